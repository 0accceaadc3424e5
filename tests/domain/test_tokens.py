from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue_server.domain.tokens import MARGIN, Calibration, estimate


@pytest.mark.parametrize(
    ("text", "fewest", "most"),
    [
        # characters per token as published, per script
        ("The lower gallery of the mine is flooded, and ore is short.", 3.6, 4.3),
        ("Der untere Stollen steht unter Wasser, und das Erz wird für uns alle knapp.", 2.8, 3.8),
        ("La galerie du bas est inondée, et le minerai manque à tout le monde ici.", 2.8, 3.8),
        ("Dolna część kopalni jest zalana wodą, więc rudy będzie brakować.", 1.9, 2.6),
        ("Нижняя галерея шахты затоплена, и руды не хватает.", 1.9, 2.6),
        ("矿井的下层坑道被水淹了，矿石短缺。", 0.8, 1.4),
        ("鉱山の下の坑道は水没しています。", 0.8, 1.4),
        ("광산의 아래쪽 갱도가 물에 잠겼습니다.", 0.8, 1.5),
        ("المنجم السفلي مغمور بالمياه والخام قليل.", 1.1, 2.7),
        ("המכרה התחתון מוצף במים.", 1.1, 2.7),
        ("เหมืองชั้นล่างถูกน้ำท่วม", 1.0, 2.4),
        ("खान की निचली गैलरी में पानी भर गया है।", 0.9, 2.7),
    ],
)
def test_each_script_costs_about_what_was_measured(text: str, fewest: float, most: float) -> None:
    assert fewest <= len(text) / estimate(text) <= most


def test_the_estimate_of_nothing_is_nothing() -> None:
    assert estimate("") == 0
    assert estimate("a") == 1
    assert estimate("😀") == 2
    assert estimate("“Hm…”") > estimate("Hm")


@given(st.text(), st.text())
def test_a_part_never_costs_more_than_the_whole_by_much(a: str, b: str) -> None:
    assert 0 <= estimate(a + b) <= 2 * len(a + b) + 1


def test_calibration_follows_what_the_model_says() -> None:
    calibration = Calibration()
    assert calibration.tokens("m", 100) == 111
    learned = calibration.observe("m", 100, 200)
    assert learned.tokens("m", 100) == 221
    assert learned.tokens("other", 100) == 111
    assert calibration.factors == {}
    for _ in range(50):
        learned = learned.observe("m", 100, 120)
    assert learned.factors["m"] == pytest.approx(1.2)
    assert learned.budget("m", 1321) == 1000
    assert Calibration().budget("m", 1100) == int(1100 / MARGIN)


def test_a_model_that_does_not_tell_teaches_nothing_and_nonsense_little() -> None:
    calibration = Calibration()
    assert calibration.observe("m", 100, 0) is calibration
    assert calibration.observe("m", 0, 100) is calibration
    assert calibration.observe("m", 1, 10**9).factors["m"] == 3.0
    assert calibration.observe("m", 10**9, 1).factors["m"] == 0.4
