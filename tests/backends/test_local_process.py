"""Why the embedded model's process could not serve, in words that say what to do."""

from __future__ import annotations

import os

import pytest

from dialogue_server.backends.local_child import ChildConfig
from dialogue_server.backends.local_process import LocalProcess, available_cores
from dialogue_server.errors import BackendError

posix = pytest.mark.skipif(os.name == "nt", reason="ends by POSIX signals")


@pytest.mark.parametrize(
    ("how", "says"),
    [
        pytest.param("signal:4", "lacks AVX2", marks=posix),
        pytest.param("signal:9", "too little memory", marks=posix),
        ("exit:132", "lacks AVX2"),
        ("exit:3", r"ended while m\.gguf loaded \(exit code 3\)"),
        ("failed:import:No module named 'xllamacpp'", r"pip install 'dialogue-server\[local\]'"),
        ("failed:import:DLL load failed while importing", r"Visual C\+\+ Redistributable"),
        ("failed:import:libgomp.so.1: cannot open", "apt install libgomp1"),
        ("failed:import:version `GLIBC_2.99' not found", "cannot be loaded on this machine"),
        ("failed:load:data is not within the file bounds", r"m\.gguf is cut short"),
        ("failed:load:invalid magic characters: 'root'", r"m\.gguf is no GGUF file"),
        ("failed:load:unknown model architecture: 'new'", "of a kind that this runtime"),
        ("failed:load:unable to allocate CPU buffer", "does not fit into memory"),
        ("failed:memory:std::out", "does not fit into memory"),
        ("failed:load:who knows", r"m\.gguf cannot be loaded"),
    ],
)
async def test_each_way_of_failing_is_told_with_its_mend(how: str, says: str) -> None:
    config = ChildConfig(how, "key", threads=1, context_tokens=512, slots=1, cache_mib=1)
    process = LocalProcess(config, "m.gguf", module="tests.fakes.failing_child")
    with pytest.raises(BackendError, match=says):
        await process.start()
    assert await process.wait(0), "nothing is left behind"


def test_at_least_one_core_is_there() -> None:
    assert available_cores() >= 1
