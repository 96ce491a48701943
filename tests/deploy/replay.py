"""Follow a Dockerfile without Docker: every stage in a clean environment of Python, every step exactly as it is written.

What it cannot show: that the base image holds what is expected, and that nothing of this machine is needed beside Python.
The workflow `container.yml` shows that on a machine with Docker.
"""

from __future__ import annotations

import io
import json
import os
import shlex
import shutil
import stat
import string
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from dockerfile_parse import DockerfileParser

# The first that any user may run: an interpreter under /root could not be started as the image's user.
INTERPRETERS = (Path(sys.executable).resolve(), Path("/usr/bin/python3"), Path("/usr/local/bin/python3"))
ISOLATED = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "GPG_KEY": ""}
# Where this machine gets packages from; a container has its own way out.
PASSED_ON = ("PIP_CERT", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "SSL_CERT_FILE", "HTTPS_PROXY", "HTTP_PROXY")


@dataclass
class Image:
    """What the last stage leaves: where its files lie, its environment, its command and its check of health."""

    root: Path
    folder: str = "/"
    environment: dict[str, str] = field(default_factory=dict)
    user: str = "0"
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)
    ports: list[int] = field(default_factory=list)

    def place(self, path: str) -> Path:
        """Where a path of the image lies on this machine."""
        absolute = path if path.startswith("/") else f"{self.folder.rstrip('/')}/{path}"
        return self.root / absolute.lstrip("/")

    def located(self, text: str) -> str:
        """Text with the image's own folders replaced by where they lie here."""
        for own in ("/opt/", "/build", "/app"):
            text = text.replace(own, f"{self.root}{own}")
        return text

    def start(self, command: list[str], **options: object) -> subprocess.Popen[str]:
        """Starts a command as the image's user, with the image's environment and nothing else."""
        uid, _, gid = self.user.partition(":")
        if may_become_another_user():
            options |= {"user": int(uid), "group": int(gid or uid), "extra_groups": []}
        found = shutil.which(command[0], path=self.environment["PATH"]) or command[0]
        return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
            [found, *command[1:]], cwd=self.place("."), env=self.environment, text=True, **options
        )


def interpreter() -> Path | None:
    """A Python that every user of this machine may run, if there is one."""
    return next((path for path in INTERPRETERS if path.exists() and _open_to_all(path)), None)


def _open_to_all(path: Path) -> bool:
    return all(place.stat().st_mode & stat.S_IXOTH for place in (path, *path.parents))


def may_become_another_user() -> bool:
    return os.geteuid() == 0 and interpreter() is not None


def replay(dockerfile: Path, context: Path, root: Path) -> Image:
    """Runs every instruction of a Dockerfile; files of earlier stages reach the next only by `COPY --from`.

    Args:
        dockerfile: the file.
        context: the folder from which it copies.
        root: an empty folder that stands for `/`.
    """
    parser = DockerfileParser(fileobj=io.BytesIO(dockerfile.read_bytes()), env_replace=False)
    image = Image(root)
    for step in parser.structure:
        name, value = step["instruction"], step["value"]
        if name == "FROM":
            image = _new_stage(root)
        elif name != "COMMENT":
            _STEPS[name](image, value, context)
    return image


def _new_stage(root: Path) -> Image:
    """A clean Python; what the stage before has made is put aside, out of reach."""
    aside = root.with_name(f"{root.name}-before")
    if root.exists():
        root.rename(aside)
    root.mkdir(parents=True)
    python = root / "usr" / "local"
    subprocess.run([interpreter() or sys.executable, "-m", "venv", python], check=True)
    passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return Image(root, environment={**ISOLATED, **passed, "PATH": f"{python}/bin:{ISOLATED['PATH']}"})


def _copy(image: Image, value: str, context: Path) -> None:
    *sources, target = (word for word in shlex.split(value) if not word.startswith("--"))
    destination = image.place(target)
    if target.endswith("/"):
        destination.mkdir(parents=True, exist_ok=True)
    for pattern in sources:
        if "--from=build" in value:
            _move_from_stage_before(image, pattern, destination)
            continue
        found = sorted(context.glob(pattern))
        assert found, f"COPY {pattern}: no such file"
        for path in found:
            if path.is_dir():
                shutil.copytree(path, destination, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(path, destination)


def _move_from_stage_before(image: Image, source: str, destination: Path) -> None:
    destination.parent.mkdir(parents=True, exist_ok=True)
    (image.root.with_name(f"{image.root.name}-before") / source.lstrip("/")).rename(destination)


def _run(image: Image, value: str, _: Path) -> None:
    done = subprocess.run(
        ["/bin/sh", "-euc", image.located(value)],
        cwd=image.place("."),
        env=image.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, f"RUN {value}\n{done.stdout}"


def _env(image: Image, value: str, _: Path) -> None:
    for word in shlex.split(value):
        name, text = word.split("=", 1)
        image.environment[name] = string.Template(image.located(text)).substitute(image.environment)


def _workdir(image: Image, value: str, _: Path) -> None:
    image.folder = value
    image.place(".").mkdir(parents=True, exist_ok=True)


def _user(image: Image, value: str, _: Path) -> None:
    image.user = value


def _cmd(image: Image, value: str, _: Path) -> None:
    image.command = json.loads(value)


def _healthcheck(image: Image, value: str, _: Path) -> None:
    image.health = json.loads(value.partition("CMD")[2])


def _expose(image: Image, value: str, _: Path) -> None:
    image.ports = [int(port) for port in value.split()]


_STEPS = {
    "COPY": _copy,
    "RUN": _run,
    "ENV": _env,
    "WORKDIR": _workdir,
    "USER": _user,
    "CMD": _cmd,
    "HEALTHCHECK": _healthcheck,
    "EXPOSE": _expose,
}
