"""The demo of `make demo`: a real migration in the sandbox, there and back, killed on the way and resumed.

Everything happens on this machine: both clouds are emulated on loopback, the commands are those that you would type.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

IMGMOVE = [sys.executable, "-m", "imgmove"]
SPEED = "600"
CVM_IMAGE = "tencent://ap-guangzhou/img-seed0001"
COS_BUCKET, OSS_BUCKET = "imgmove-gz-1250000000", "imgmove-hz"


def main() -> int:
    """Run inside a sandbox; start one and come back if there is none."""
    if "IMGMOVE_SANDBOX_CONTROL" not in os.environ:
        words = [*IMGMOVE, "sandbox", "run", "--speed", SPEED, "--", sys.executable, __file__]
        return subprocess.run(words, check=False).returncode
    started = time.monotonic()
    title("A sandbox is up: Tencent Cloud and Alibaba Cloud on loopback. What is in CVM, region ap-guangzhou?")
    run("images", "--provider", "tencent", "--region", "ap-guangzhou")
    title("Know before you go: would it move to ECS? doctor asks everything and changes nothing")
    run("doctor", CVM_IMAGE, "alibaba://cn-hangzhou", "--source-bucket", COS_BUCKET, "--dest-bucket", OSS_BUCKET,
        "--name", "web-from-tencent")  # fmt: skip
    title("Export the image to COS")
    exported = report("export", CVM_IMAGE, "--bucket", COS_BUCKET, "--format", "qcow2", "--poll-interval", "300ms")
    uri = exported["artifacts"][0]["uri"]
    title("Would the machine start on ECS? check looks inside, where the object is")
    run("check", uri, "--for", "alibaba")
    title("Import it again")
    guest = ("--os-type", "debian", "--os-version", "12")
    report("import", uri, "--region", "ap-guangzhou", "--name", "web-copy", *guest, "--poll-interval", "300ms")
    title("Make an image of an edge instance (ECM)")
    report("create", "ecm://ap-hangzhou-ecm/ein-seed0001", "--name", "edge-web", "--poll-interval", "300ms")
    title("Migrate the CVM image to ECS, and kill imgmove in the middle of it")
    words = ["migrate", CVM_IMAGE, "alibaba://cn-hangzhou", "--source-bucket", COS_BUCKET, "--dest-bucket", OSS_BUCKET,
             "--name", "web-from-tencent", "--poll-interval", "300ms"]  # fmt: skip
    job = kill_in_the_middle(words)
    title(f"It is dead. Nothing is lost: the journal knows job {job}")
    run("status", job)
    title("Resume it")
    there = report("jobs", "resume", job, "--poll-interval", "300ms")
    title("And back to CVM, through both stores (ECS exports a .raw.tar.gz here: it becomes qcow2 on the way)")
    back = report(
        "migrate", f"alibaba://cn-hangzhou/{there['image_id']}", "tencent://ap-guangzhou", "--source-bucket", OSS_BUCKET,
        "--dest-bucket", COS_BUCKET, "--name", "web-there-and-back", "--poll-interval", "300ms",
    )  # fmt: skip
    title("Is the disk that came back the one that left, byte for byte?")
    same = compare("img-seed0001", back["image_id"])
    title(f"Done in {time.monotonic() - started:.0f} seconds")
    print(NEXT)
    return 0 if same else 1


NEXT = """\
Try next, here on this machine:
  imgmove sandbox run -- sh                     a shell inside a sandbox of its own
  imgmove sandbox run --fault 'oss:UploadPart corrupt-body times=1' -- python examples/demo.py
                                                the same with a byte flipped on the way
and with your own clouds:
  imgmove providers                             what each service can and cannot do
  imgmove migrate --help                        the examples come first
The README says which rights you need."""


def title(text: str) -> None:
    print(f"\n\033[1m== {text}\033[0m" if sys.stdout.isatty() else f"\n== {text}", flush=True)


def shown(words: tuple[str, ...] | list[str]) -> None:
    print("$ imgmove " + shlex.join(words), flush=True)


def run(*words: str) -> None:
    shown(words)
    subprocess.run([*IMGMOVE, *words], check=True)


def report(*words: str) -> dict[str, Any]:
    """Run a command for its JSON, and show the essence of it."""
    shown(words)
    done = subprocess.run([*IMGMOVE, *words, "-o", "json"], stdout=subprocess.PIPE, text=True, check=False)
    document: dict[str, Any] = json.loads(done.stdout)
    if done.returncode:
        sys.exit(f"the demo failed with exit code {done.returncode}: {document['error']}")
    for step in document.get("steps", []):
        print(f"    {step['name']:<10} {step['state']}")
    for artifact in document["artifacts"]:
        print(f"    {artifact['uri']}  {artifact['size']} bytes")
    if document["image_id"]:
        print(f"    image {document['image_id']}: {document['state']}")
    return document


def kill_in_the_middle(words: list[str]) -> str:
    """Start a migration and kill it, without a chance to tidy up, once the export is under way; the job's id."""
    shown(words)
    process = subprocess.Popen([*IMGMOVE, *words], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None  # it was asked for
    job = ""
    for line in process.stderr:
        print("    " + line.rstrip(), flush=True)
        if line.startswith("job "):
            job = line.split()[1].rstrip(";")
        if "export" in line and "accepted" in line:
            break
    process.send_signal(signal.SIGKILL)
    process.wait()
    print("    killed (SIGKILL)")
    return job


def compare(first: str, second: str) -> bool:
    """Export both images as raw disks and compare them."""
    digests = []
    with tempfile.TemporaryDirectory() as folder:
        for image in (first, second):
            words = ("export", f"tencent://ap-guangzhou/{image}", "--bucket", COS_BUCKET, "--format", "raw",
                     "--poll-interval", "300ms")  # fmt: skip
            uri = report(*words)["artifacts"][0]["uri"]
            disk = Path(folder, f"{image}.raw")
            report("copy", uri, str(disk))
            digests.append(sha256(disk))
            print(f"    {image}: sha256 {digests[-1]}")
    print("    the same" if digests[0] == digests[1] else "    NOT the same")
    return digests[0] == digests[1]


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    sys.exit(main())
