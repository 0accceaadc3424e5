"""The designers' page as a designer uses it, in a real browser."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import jwt
import pytest
from axe_playwright_python.async_playwright import Axe
from msgspec import structs
from playwright.async_api import Browser, Page, expect

from dialogue_server.server.app import App
from dialogue_server.server.joining import own_host
from tests.fakes.upstream import FakeUpstream
from tests.page.conftest import PICTURES

pytestmark = pytest.mark.asyncio(loop_scope="session")  # as the browser's


async def say(page: Page, text: str) -> None:
    """Say a line, and wait until its answer is whole."""
    turns = await page.locator("#lines .tools").count()
    await page.fill("#line", text)
    await page.press("#line", "Enter")
    await expect(page.locator("#lines .tools")).to_have_count(turns + 1)
    await expect(page.locator("#lines .caret")).to_have_count(0)


async def choose(page: Page, name: str) -> None:
    await page.locator("#npcs").get_by_role("button", name=name).click()
    await expect(page.locator("#npcs button[aria-pressed=true]")).to_have_count(1)


async def test_an_npc_is_found_and_answers_with_its_cues_in_their_places(page: Page) -> None:
    await page.fill("#search", "we")
    await expect(page.locator("#npcs button")).to_have_count(1)
    await page.press("#search", "Enter")
    await expect(page.locator("#lines .npc")).to_contain_text("Stand still, dear.")
    await say(page, "Could I have some willow bark for a fever?")
    answer = page.locator("#lines .npc").last
    await expect(answer).to_contain_text("Willow bark.")
    await expect(answer.locator(".cue.action")).to_contain_text("give_item item=willow_bark")
    await expect(answer.locator(".cue.mood").filter(has_text="cheerful")).to_be_visible()
    await page.screenshot(path=PICTURES / "talk.png")


async def test_an_answer_is_made_anew_beside_the_old_one_and_the_talk_can_go_back(
    page: Page,
) -> None:
    await choose(page, "Wen")
    await say(page, "What does a leech cost?")
    await page.keyboard.press("Alt+r")
    branches = page.locator("#lines .branches").last.locator(".bubble")
    await expect(branches).to_have_count(2)
    await expect(page.locator("#lines .caret")).to_have_count(0)
    await branches.first.get_by_role("button", name="Go on from this one").click()
    await expect(branches.last).to_have_class("bubble npc aside")
    await page.get_by_role("button", name="Save here").click()
    await page.locator("#checkpoints button").click()
    await expect(page.locator("#lines")).to_contain_text("Back to the checkpoint")
    await page.screenshot(path=PICTURES / "branches.png")


async def test_several_npcs_take_part_and_go_on_by_themselves(page: Page) -> None:
    await choose(page, "Wen")
    await page.locator("#npcs").get_by_role("button", name="Tove").click(modifiers=["Control"])
    await expect(page.locator("#npcs button[aria-pressed=true]")).to_have_count(2)
    await say(page, "Tove, how is the glass?")
    await expect(page.locator("#lines .npc").last).to_contain_text("Tove")
    await page.keyboard.press("Alt+a")
    await expect(page.locator("#lines .tools")).to_have_count(2)
    await expect(page.locator("#lines .npc .who b").last).to_have_text("Wen")


async def test_a_flag_that_is_changed_shows_what_it_switches_on_and_off(page: Page) -> None:
    await choose(page, "Wen")
    await page.get_by_role("button", name="quest.lamp: lit").click()
    changes = page.locator("#state .on")
    await expect(changes.filter(has_text="The causeway lamp is lit again.")).to_have_count(1)
    off = page.locator("#state .off").filter(has_text="The causeway lamp is broken.")
    await expect(off).to_have_count(1)
    await say(page, "What about the lamp?")
    await expect(page.locator("#lines .npc").last).to_contain_text("They come up for the light")
    await page.screenshot(path=PICTURES / "state.png")


async def test_a_path_and_a_value_can_be_added_and_removed(page: Page) -> None:
    await page.get_by_label("New path").fill("player.gold")
    await page.get_by_label("New value").fill("12")
    await page.get_by_role("button", name="Add").click()
    field = page.locator('[data-path="player.gold"]')
    await expect(field).to_have_value("12")
    await page.get_by_role("button", name="Remove player.gold").click()
    await expect(field).to_have_count(0)


async def test_the_prompt_of_a_turn_is_shown_by_its_sources_and_leads_to_the_file(
    page: Page,
) -> None:
    await choose(page, "Wen")
    await say(page, "What does a leech cost?")
    await say(page, "Who broke the lamp?")
    await page.keyboard.press("Alt+6")
    prompt = page.locator("#prompt")
    await expect(prompt).to_contain_text("for Wen")
    await expect(prompt.locator(".part.new").first).to_be_visible()
    await expect(prompt.locator(".part.dropped").first).to_contain_text("condition")
    await expect(prompt.locator(".bar span").first).to_be_visible()
    await prompt.get_by_text("Difference to the turn before").click()
    await expect(prompt.locator("ins", has_text="Who broke the lamp?")).to_have_count(1)
    await page.screenshot(path=PICTURES / "prompt.png")
    await prompt.get_by_role("button", name="personas/wen.toml:speech_style").click()
    marked = page.locator("#file .mark")
    await expect(marked).to_contain_text("speech_style =")
    await page.screenshot(path=PICTURES / "file.png")


async def test_a_saved_file_is_there_within_a_second_and_a_broken_one_says_so(
    page: Page, world: Path
) -> None:
    wen = world / "personas" / "wen.toml"
    text = wen.read_text(encoding="utf-8")
    await asyncio.to_thread(
        wen.write_text, text.replace('name = "Wen"', 'name = "Old Wen"'), encoding="utf-8"
    )
    button = page.locator("#npcs").get_by_role("button", name="Old Wen")
    await expect(button).to_be_visible(timeout=1000)
    await asyncio.to_thread(wen.write_text, text.replace("moods = [", "moods = ", 1))
    await expect(page.locator("#banner")).to_contain_text("personas/wen.toml:", timeout=1000)
    await expect(button).to_be_visible()
    await page.keyboard.press("Alt+3")
    await page.locator("#problems .problem").first.click()
    await expect(page.locator("#file .mark")).to_contain_text("moods =")
    await page.screenshot(path=PICTURES / "broken.png")
    await asyncio.to_thread(wen.write_text, text, encoding="utf-8")
    await expect(page.locator("#banner")).to_be_hidden()


async def test_the_time_of_each_turn_is_drawn(page: Page) -> None:
    await choose(page, "Wen")
    await say(page, "What does a leech cost?")
    await say(page, "You stupid hag!")
    await page.keyboard.press("Alt+7")
    timing = page.locator("#timing")
    await expect(timing.locator("tbody").first.locator("tr")).to_have_count(2)
    waterfall = timing.locator("svg").first
    label = await waterfall.get_attribute("aria-label")
    assert label is not None
    assert "prompt: 0 to" in label
    assert "queue:" in label
    assert "connect:" not in label  # the authored voice is asked over no network
    await expect(timing).to_contain_text("frames")
    await expect(timing).to_contain_text("cheerful")
    await page.screenshot(path=PICTURES / "timing.png")


async def test_a_models_answer_shows_its_connection_and_its_cost(
    app: App, browser: Browser
) -> None:
    async with FakeUpstream() as upstream:
        asked = structs.replace(
            app.settings.model,
            backend="openai-compatible",
            base_url=upstream.base_url,
            name="plain",
            input_price=2.0,
            output_price=10.0,
        )
        priced = App(structs.replace(app.settings, model=asked))
        await priced.start()
        try:
            page = await browser.new_page(viewport={"width": 1280, "height": 720})
            await page.goto(priced.url.replace("ws", "http", 1) + "/dev/")
            await choose(page, "Wen")
            await say(page, "What does a leech cost?")
            await page.keyboard.press("Alt+7")
            timing = page.locator("#timing")
            await expect(timing).to_contain_text("connect")
            await expect(timing.locator("tbody td", has_text="$0.0")).to_have_count(1)
            label = await timing.locator("svg").first.get_attribute("aria-label")
            for step in (
                "prompt",
                "queue",
                "connect",
                "model, to its first text",
                "guards hold it",
            ):
                assert f"{step}: " in str(label)
            await page.screenshot(path=PICTURES / "cost.png")
            await page.close()
        finally:
            await priced.stop()


async def test_one_line_goes_to_two_npcs_and_models_side_by_side(page: Page) -> None:
    await page.keyboard.press("Alt+2")
    left, right = page.get_by_label("left", exact=True), page.get_by_label("right", exact=True)
    await left.get_by_label("NPC").select_option("wen")
    await right.get_by_label("NPC").select_option("tove")
    await right.get_by_label("Model").select_option("scripted")
    await page.get_by_label("Line", exact=True).fill("Who are you?")
    await page.keyboard.press("Enter")
    await expect(left).to_contain_text("I gather leeches")
    await expect(right).to_contain_text("Tove")
    for side in (left, right):
        await expect(side).to_contain_text("complete · first text")
    await page.screenshot(path=PICTURES / "compare.png")


@pytest.fixture
def session(recordings: Path) -> str:
    """A recorded session of the demo: Pell, then Jory."""
    demo = ["demo", "--backend", "scripted", "--speed", "0", "--record", str(recordings)]
    done = subprocess.run([sys.executable, "-m", "dialogue_server", *demo], capture_output=True)
    assert done.returncode == 0
    (file,) = recordings.glob("*.jsonl")
    return file.rename(file.with_name(f"20200102-030405-{file.stem[-8:]}.jsonl")).name


async def test_a_recording_is_opened_and_played_at_any_time_of_it(session: str, page: Page) -> None:
    await page.keyboard.press("Alt+4")
    await page.locator(f'#recordings [data-name="{session}"]').click()
    played = page.locator("#played")
    await expect(played).to_contain_text("6 answers in")
    await expect(played).to_contain_text("Traveller meets pell (dry_boot)")
    shown = played.locator("li:not([hidden])")
    count = await shown.count()
    assert count > 8
    await expect(played.locator(".cue.mood").first).to_be_visible()
    slider = page.get_by_label("Time", exact=True)
    await slider.focus()
    await page.keyboard.press("Home")
    await expect(played.locator("output")).to_have_text("0.0 s")
    assert await shown.count() < count
    await page.get_by_label("Speed").select_option("16")
    await page.get_by_role("button", name="Play").click()
    await expect(shown).to_have_count(count)
    await expect(page.get_by_role("button", name="Play")).to_be_visible()  # it has ended
    await played.get_by_text("Prompt").first.click()
    await expect(played.locator("pre").first).to_contain_text("Pell")
    await page.screenshot(path=PICTURES / "recordings.png")


async def test_a_recording_is_said_again_to_todays_world(
    session: str, page: Page, world: Path
) -> None:
    pell = world / "personas" / "pell.toml"
    text = pell.read_text(encoding="utf-8").replace("Come in", "Stay out")
    text = text.replace("Passes on every rumour", "Keeps every rumour")
    await asyncio.to_thread(pell.write_text, text, encoding="utf-8")
    await expect(page.locator("#problems")).to_contain_text("Read 2 times")
    await page.keyboard.press("Alt+4")
    await page.locator(f'#recordings [data-name="{session}"]').click()
    await page.get_by_role("button", name="Say it again").click()
    report = page.locator("#rerun")
    await expect(report).to_contain_text("3 of 6 answers are otherwise")
    await expect(report).to_contain_text("No model was asked")
    await expect(report.locator("ins", has_text="Stay out").first).to_be_visible()
    await expect(report).to_contain_text("personas/pell.toml:personality changed")
    await report.get_by_text("Difference of the prompts").first.click()
    await expect(report.locator("pre ins", has_text="Keeps every rumour").first).to_be_visible()
    await page.screenshot(path=PICTURES / "rerun.png")
    await page.get_by_label("Answers").select_option("scripted")
    await page.get_by_role("button", name="Say it again").click()
    await expect(report).not_to_contain_text("No model was asked")
    await expect(report).to_contain_text("of 6 answers are otherwise")


async def test_recordings_can_be_worked_with_by_keyboard_and_without_barriers(
    session: str, page: Page
) -> None:
    await page.keyboard.press("Alt+4")
    await page.locator("#tab-recordings").focus()
    wanted = f'[data-name="{session}"]'
    for keys in (wanted, "#time", "#rerun-voice"):
        for _ in range(40):
            if await page.evaluate("(query) => document.activeElement.matches(query)", keys):
                break
            await page.keyboard.press("Tab")
        else:
            pytest.fail(f"{keys} is not reached with Tab")
        if keys == wanted:
            await page.keyboard.press("Enter")
            await page.locator("#played #time").wait_for()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator("#rerun")).to_contain_text("All 6 answers are as then")
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        report = await Axe().run(page)
        assert [
            f"{each['id']}: {[node['html'][:120] for node in each['nodes']][:3]}"
            for each in report.response["violations"]
        ] == []


async def test_a_checkpoint_brings_the_state_back_with_the_talk(page: Page) -> None:
    await choose(page, "Wen")
    await page.get_by_role("button", name="Save here").click()
    await page.locator("#checkpoints button").wait_for()
    await page.get_by_role("button", name="quest.lamp: lit").click()
    await say(page, "What about the lamp?")
    await expect(page.locator("#lines .npc").last).to_contain_text("They come up for the light")
    await page.locator("#checkpoints button").click()
    await expect(page.locator('[data-path="quest.lamp"]')).to_have_value("dark")
    await say(page, "What about the lamp?")
    answer = page.locator("#lines .npc").last
    await expect(answer).not_to_contain_text("They come up for the light")


async def test_frames_are_drawn_on_the_clock_of_the_steps_above_them(page: Page) -> None:
    """From the line, not from the answer's first message: else text comes before the model."""
    await choose(page, "Wen")
    await say(page, "What does a leech cost?")
    await page.keyboard.press("Alt+7")
    waterfall = page.locator("#timing svg").first
    first = await waterfall.locator("rect[width='1']").first.get_attribute("x")
    prompt = await waterfall.locator("rect").first.evaluate(
        "(bar) => bar.x.baseVal.value + bar.width.baseVal.value"
    )
    assert float(first or 0) >= prompt


@pytest.mark.parametrize("width", [400, 820, 1024])
async def test_a_narrow_window_has_room_for_a_line_and_shows_what_is_asked_for(
    page: Page, width: int
) -> None:
    await page.set_viewport_size({"width": width, "height": 720})
    await choose(page, "Wen")
    await say(page, "What does a leech cost?")
    overflow = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert await page.evaluate(overflow) <= 0
    box = await page.locator("#line").bounding_box()
    assert box is not None
    assert box["width"] > 180
    help_button = await page.locator("#help-button").bounding_box()
    assert help_button is not None
    assert help_button["x"] + help_button["width"] <= width
    await page.keyboard.press("Alt+2")
    await page.keyboard.press("Alt+6")
    await expect(page.locator("#prompt")).to_be_in_viewport()
    await expect(page.locator("#prompt .part").first).to_be_visible()
    await page.screenshot(path=PICTURES / f"narrow-{width}.png")


async def test_the_keys_work_where_alt_types_another_character(page: Page) -> None:
    """As on a Mac, whose Option+6 is another character; AltGr is not meant."""
    press = "(keys) => document.body.dispatchEvent(new KeyboardEvent('keydown', keys))"
    keys = {"bubbles": True, "altKey": True, "key": "§", "code": "Digit6"}
    await page.evaluate(press, {**keys, "ctrlKey": True})
    await expect(page.locator("#prompt")).to_be_hidden()
    await page.evaluate(press, keys)
    await expect(page.locator("#prompt")).to_be_visible()


async def test_a_conversation_that_was_left_is_not_opened_again(page: Page, app: App) -> None:
    sent: list[str] = []
    page.on(
        "websocket",
        lambda socket: socket.on("framesent", lambda frame: sent.append(str(frame))),
    )
    for name in ("Wen", "Tove", "Pell"):
        await choose(page, name)
    port = int(app.url.rpartition(":")[2])
    await app.stop()
    await expect(page.get_by_role("status")).to_contain_text("away")
    server = structs.replace(app.settings.server, port=port)
    again = App(structs.replace(app.settings, server=server))
    await again.start()
    try:
        await expect(page.get_by_role("status")).to_contain_text("dialogue-server", timeout=20_000)
        await say(page, "Who are you?")
        assert len([frame for frame in sent if '"type":"open"' in frame]) == 1
    finally:
        await again.stop()


async def test_the_page_goes_on_after_the_server_was_away(page: Page, app: App) -> None:
    await choose(page, "Wen")
    await say(page, "What does a leech cost?")
    port = int(app.url.rpartition(":")[2])
    await app.stop()
    await expect(page.get_by_role("status")).to_contain_text("away")
    server = structs.replace(app.settings.server, port=port)
    again = App(structs.replace(app.settings, server=server))
    await again.start()
    try:
        await expect(page.get_by_role("status")).to_contain_text("dialogue-server", timeout=20_000)
        await say(page, "Who are you?")
        await expect(page.locator("#lines .npc").last).to_contain_text("I gather leeches")
    finally:
        await again.stop()


async def test_everything_can_be_done_with_the_keyboard_alone(page: Page) -> None:
    await page.keyboard.press("/")
    await page.keyboard.type("pell")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(page.locator("#npcs button[aria-pressed=true]")).to_contain_text("Pell")
    for _ in range(40):
        if await page.evaluate("() => document.activeElement.id") == "line":
            break
        await page.keyboard.press("Tab")
    await page.keyboard.type("Who are you?")
    await page.keyboard.press("Enter")
    await expect(page.locator("#lines .tools")).to_have_count(1)
    await page.keyboard.press("Alt+5")
    await page.keyboard.press("Tab")
    await page.locator("#tab-state").focus()
    await page.keyboard.press("ArrowRight")
    await expect(page.locator("#prompt")).to_be_visible()
    await page.locator("h1").click()
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_no_rule_of_accessibility_is_broken(page: Page, scheme: str) -> None:
    await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    await choose(page, "Wen")
    await say(page, "What does a leech cost?")
    found, passed = [], 0
    for keys in ("Alt+5", "Alt+6", "Alt+7", "Alt+2", "Alt+3", "Alt+4"):
        await page.keyboard.press(keys)
        report = await Axe().run(page)
        passed += len(report.response["passes"])
        found += [
            f"{keys}: {each['id']}: {[node['html'][:120] for node in each['nodes']][:3]}"
            for each in report.response["violations"]
        ]
    await page.keyboard.press("Alt+1")
    await page.screenshot(path=PICTURES / f"{scheme}.png")
    assert found == []
    assert passed > 100  # it has looked


async def test_a_designers_ticket_opens_the_page_from_another_machine(
    app: App, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "a secret of thirty-two characters"
    monkeypatch.setenv("KEYS", secret)
    rights = ["player", "designer"]
    claims = {"exp": 2**31, "aud": "dialogue-server", "sub": "tess", "rights": rights}
    server = structs.replace(app.settings.server, host="0.0.0.0")
    access = structs.replace(app.settings.access, key_env="KEYS")
    away = App(structs.replace(app.settings, server=server, access=access))
    await away.start()
    page = await browser.new_page()
    try:
        address = f"http://{own_host('0.0.0.0')}:{away.url.rpartition(':')[2]}/dev/"
        await page.goto(f"{address}#token={jwt.encode(claims, secret, 'HS256')}")
        await page.locator("#npcs button[aria-pressed=true]").wait_for()
        await choose(page, "Wen")
        await say(page, "Who are you?")
        await expect(page.locator("#lines .npc").last).to_contain_text("I gather leeches")
    finally:
        await page.close()
        await away.stop()
