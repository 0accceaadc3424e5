"""The LiteLLM proxy as one of the targets: how it is installed and started.

    python -m benchmarks.litellm      installs it into .tools/litellm (about 750 MB)

It runs as its documentation says for production, with one worker and nothing switched on that is
not needed to pass a stream through: no database, no key, no callbacks.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / ".tools" / "litellm" / "venv"
START_SECONDS = 180
MODEL = "bench"

_CONFIG = """
model_list:
  - model_name: {model}
    litellm_params:
      model: openai/{model}
      api_base: http://127.0.0.1:{upstream}/v1
      api_key: none
litellm_settings:
  set_verbose: false
  num_retries: 0
"""


def _program(name: str) -> Path:
    places = ("Scripts", f"{name}.exe") if sys.platform == "win32" else ("bin", name)
    return FOLDER.joinpath(*places)


def command(folder: Path, port: int, upstream: int) -> tuple[list[str], dict[str, str]]:
    """What starts it, and in which environment."""
    program = _program("litellm")
    if not program.exists():
        raise SystemExit("LiteLLM is not installed; `python -m benchmarks.litellm` does that.")
    config = folder / "litellm.yaml"
    config.write_text(_CONFIG.format(model=MODEL, upstream=upstream), encoding="utf-8")
    kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "DATABASE_URL")}
    quiet = {
        "LITELLM_LOG": "ERROR",
        "LITELLM_MODE": "PRODUCTION",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else it asks the network as it starts
        "LITELLM_TELEMETRY": "False",
        # On the loopback, for a minute, and one check less for each request.
        "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
        "NO_PROXY": "127.0.0.1",
    }
    arguments = ("--config", str(config), "--host", "127.0.0.1", "--port", str(port))
    return [str(program), *arguments, "--num_workers", "1"], kept | quiet


def version() -> str:
    """Which one is installed; "" for none."""
    code = "import importlib.metadata as m; print(m.version('litellm'))"
    python = _program("python")
    if not python.exists():
        return ""
    done = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def main() -> int:
    """Install it. 0 once it is there."""
    if not version():
        print("Installing LiteLLM and what it needs into .tools/litellm ...", flush=True)
        venv.create(FOLDER, with_pip=True, clear=True)
        pip = [str(_program("python")), "-m", "pip", "install", "--quiet", "litellm[proxy]"]
        subprocess.run(pip, check=True)
    print(f"LiteLLM {version()} is in {FOLDER.parent.parent.name}/{FOLDER.parent.name}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
