"""The house rules that import-linter does not see, and the proof that it sees the others."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def _imports(path: Path) -> set[str]:
    """Top-level packages that a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def _tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def test_the_web_process_loads_no_torch() -> None:
    code = "import sys, app.main; print(sorted({'torch', 'safetensors', 'worker'} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False, text=True)

    assert run.stdout.strip() == "[]", run.stderr


def test_a_module_that_no_layer_names_breaks_the_contract(tmp_path: Path) -> None:
    for package in ("app", "worker"):
        shutil.copytree(
            ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("page", "*.json", "*.safetensors")
        )
    shutil.copy(ROOT / ".importlinter", tmp_path)
    (tmp_path / "app/stray.py").touch()
    lint = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run([lint, "--no-cache"], cwd=tmp_path, capture_output=True, check=False, text=True)

    assert run.returncode == 1, run.stdout + run.stderr
    assert "stray" in run.stdout + run.stderr


def test_only_the_api_knows_its_web_framework() -> None:
    framework = {"fastapi", "starlette", "sse_starlette", "titiler", "uvicorn"}
    knowing = {path.relative_to(ROOT) for path in (ROOT / "app").rglob("*.py") if _imports(path) & framework}

    assert {path for path in knowing if path.parts[:2] != ("app", "api")} <= {
        Path("app/main.py"),
        Path("app/cli/service.py"),
    }


@pytest.mark.parametrize(
    ("what", "pattern"),
    [
        ("path of one machine", r"(?<![A-Za-z0-9_.$}])/(?:work|root|home|Users)/"),
        ("where packages come from", "|".join(("py" + r"pi\.org", "python" + "hosted", "registry[.]npm" + "js"))),
        ("where packages come from", '"resol' + 'ved":|--index' + "-url|--extra-index" + "-url|--find" + "-links"),
    ],
)
def test_no_tracked_file_names_a_place_of_one_machine(what: str, pattern: str) -> None:
    guilty = []
    for path in _tracked_files():
        text = path.read_bytes()
        if b"\0" not in text[:8000] and (match := re.search(pattern, text.decode(errors="replace"))):
            guilty.append(f"{path.relative_to(ROOT)}: {match[0]}")

    assert not guilty, f"{what}: {guilty}"
