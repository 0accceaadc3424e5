from __future__ import annotations

import sys

from dialogue_protocol.codec import Frame
from dialogue_protocol.replay_buffer import FRAME_OVERHEAD, ReplayBuffer
from hypothesis import given
from hypothesis import strategies as st

COST = sys.getsizeof(b"x") + FRAME_OVERHEAD


def filled(count: int, capacity: int = 10_000) -> ReplayBuffer:
    buffer = ReplayBuffer(capacity)
    for number in range(1, count + 1):
        buffer.append(bytes([number]))
    return buffer


def test_gives_out_what_follows_a_number_in_order() -> None:
    assert filled(4).after(2) == [b"\x03", b"\x04"]


def test_nothing_follows_the_last_number() -> None:
    assert filled(4).after(4) == []
    assert ReplayBuffer(100).after(0) == []


def test_a_number_never_reached_cannot_be_had() -> None:
    assert filled(4).after(5) is None


def test_when_full_the_oldest_gives_way_and_its_position_is_gone() -> None:
    buffer = filled(5, capacity=3 * COST)
    assert buffer.first == 3
    assert buffer.after(1) is None
    assert buffer.after(2) == [b"\x03", b"\x04", b"\x05"]
    assert buffer.size == 3 * COST


def test_a_frame_larger_than_the_buffer_empties_it_and_numbers_go_on() -> None:
    buffer = filled(2, capacity=3 * COST)
    buffer.append(b"y" * 1000)
    assert (buffer.first, buffer.last, buffer.size) == (4, 3, 0)
    assert buffer.after(2) is None
    assert buffer.after(3) == []


def test_released_frames_are_forgotten_and_their_memory_is_free() -> None:
    buffer = filled(4)
    buffer.release(3)
    assert buffer.size == COST
    assert buffer.after(2) is None
    assert buffer.after(3) == [b"\x04"]
    buffer.release(99)
    assert (buffer.size, buffer.last) == (0, 4)


def test_replaced_frames_keep_their_numbers() -> None:
    buffer = filled(4)
    buffer.replace(["c", "d"])
    assert buffer.after(2) == ["c", "d"]
    assert buffer.after(1) is None


def test_cleared_it_holds_nothing() -> None:
    buffer = filled(3)
    buffer.clear()
    assert (buffer.size, buffer.after(3), buffer.after(2)) == (0, [], None)


@given(
    st.integers(0, 2000),
    st.lists(st.one_of(st.binary(max_size=200), st.text(max_size=50), st.integers(0, 60))),
)
def test_it_never_exceeds_its_capacity_and_never_gives_out_a_gap(
    capacity: int, steps: list[Frame | int]
) -> None:
    buffer, sent = ReplayBuffer(capacity), list[Frame]()
    for step in steps:
        if isinstance(step, int):
            buffer.release(min(step, buffer.last))
        else:
            buffer.append(step)
            sent.append(step)
        assert 0 <= buffer.size <= capacity
        for seq in range(len(sent) + 2):
            found = buffer.after(seq)
            assert found == (sent[seq:] if buffer.first - 1 <= seq <= len(sent) else None)
