"""A stand-in for gcloud: refuses what its reference does not have, and plays TPUs on this machine.

Run as a program, in the folder that the environment variable STAND_IN names:
    state.json    {"nodes": {name: {...}}, "requests": {name: {...}}, "workers": hosts of a node}
    calls.jsonl   the words of every call
    faults.json   what is to go wrong: a list of {"contains": part of the command, ...}, see `fault`
    hosts/NAME/W  the home folder of a host, where `ssh` really runs its command
    buckets/      what gs:// is
"""

import contextlib
import fcntl
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys

# From the pages https://cloud.google.com/sdk/gcloud/reference/compute/tpus (general release, 2025):
# arguments in capitals, flags with = take a value; those marked ! must be given.
_CREATE = (
    "--async --boot-disk= --data-disk= --description= --internal-ips --labels= --metadata= "
    "--metadata-from-file= --network= --range= --reserved --scopes= --service-account= "
    "--shielded-secure-boot --spot --subnetwork= --tags= --topology= --type= "
)
_SSH = (
    "--zone= --dry-run --force-key-file-overwrite --internal-ip --plain --ssh-key-file= "
    "--strict-host-key-checking= --worker= --ssh-key-expiration= --ssh-key-expire-after= "
)
REFERENCE = {
    "compute tpus tpu-vm create": (
        f"TPU --zone= --version=! --accelerator-type= --preemptible --queue-count= {_CREATE}"
    ),
    "compute tpus tpu-vm describe": "TPU --zone=",
    "compute tpus tpu-vm delete": "TPU --zone= --async",
    "compute tpus tpu-vm start": "TPU --zone= --async",
    "compute tpus tpu-vm ssh": f"TPU --command= --output-directory= --ssh-flag= {_SSH}",
    "compute tpus tpu-vm scp": f"SOURCE DESTINATION --recurse --compress --scp-flag= {_SSH}",
    "compute tpus queued-resources create": (
        "QUEUED_RESOURCE --zone= --runtime-version=! --accelerator-type=! --node-id=! "
        "--node-count= --node-prefix= --guaranteed --valid-after-duration= --valid-after-time= "
        "--valid-until-duration= --valid-until-time= --reservation-host-project= " + _CREATE
    ),
    "compute tpus queued-resources describe": "QUEUED_RESOURCE --zone=",
    "compute tpus queued-resources delete": "QUEUED_RESOURCE --zone= --async --force",
    "storage rsync": (
        "SOURCE DESTINATION --recursive --checksums-only --delete-unmatched-destination-objects "
        "--dry-run --exclude= --no-clobber --continue-on-error --preserve-posix"
    ),
}
_EVERYWHERE = (
    "--account= --billing-project= --configuration= --flags-file= --flatten= --format= --help "
    "--impersonate-service-account= --log-http --project= --quiet --trace-token= "
    "--user-output-enabled --verbosity="
)


def check(words):
    """Returns sub-command, arguments and flags of a command line without `gcloud`.

    Raises:
        ValueError: The reference does not have it.
    """
    name = next((name for name in REFERENCE if words[: name.count(" ") + 1] == name.split()), None)
    if name is None:
        raise ValueError(f"Invalid choice: {' '.join(words[:4])!r}.")
    described = REFERENCE[name].split()
    required = {word.rstrip("!").rstrip("=") for word in described if word.endswith("!")}
    known = {word.rstrip("!") for word in [*described, *_EVERYWHERE.split()] if word[0] == "-"}
    arguments, flags = [], {}
    for word in words[name.count(" ") + 1 :]:
        flag, equals, value = word.partition("=")
        if not word.startswith("--"):
            arguments.append(word)
        elif flag + equals not in known:
            raise ValueError(f"unrecognized arguments: {word}")
        else:
            flags[flag] = value if equals else True
    if missing := sorted(required - set(flags)):
        raise ValueError(f"argument {missing[0]}: Must be specified.")
    if len(arguments) != sum(word.isupper() for word in described):
        raise ValueError(f"expected {described[:2]}, got {arguments}")
    return name, arguments, flags


class Cloud:
    """The TPUs, as the state file has them."""

    def __init__(self, folder, title, lock):
        self.folder, self.title, self.lock = folder, title, lock
        self.state = json.loads((folder / "state.json").read_text())

    def save(self):
        (self.folder / "state.json").write_text(json.dumps(self.state))

    def fail(self, message, code=1):
        self.save()
        print(f"ERROR: (gcloud.{self.title}) {message}", file=sys.stderr)
        sys.exit(code)

    def find(self, kind, name):
        if name not in self.state[kind]:
            self.fail(f"NOT_FOUND: Resource 'projects/p/locations/z/{kind}/{name}' was not found")
        return self.state[kind][name]

    def home(self, name, worker):
        return self.folder / "hosts" / name / str(worker)

    def add_node(self, name, accelerator_type):
        if name in self.state["nodes"]:
            self.fail(f"ALREADY_EXISTS: Resource 'projects/p/locations/z/nodes/{name}'")
        workers = self.state["workers"]
        self.state["nodes"][name] = {"state": "READY", "type": accelerator_type, "workers": workers}
        for worker in range(workers):
            self.home(name, worker).mkdir(parents=True)

    def end_node(self, name, state=None):
        """Ends what runs on a node, as a power cut would, and the node with it or in a state."""
        for worker in range(self.state["nodes"][name]["workers"]):
            job = self.home(name, worker) / "genokeras" / "job" / "job.json"
            if job.exists():
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(json.loads(job.read_text())["pid"], signal.SIGKILL)
        shutil.rmtree(self.folder / "hosts" / name, ignore_errors=True)
        if state:
            self.state["nodes"][name]["state"] = state
        else:
            del self.state["nodes"][name]

    # Sub-commands, by their names.

    def tpu_vm_create(self, arguments, flags):
        self.add_node(arguments[0], flags["--accelerator-type"])

    def tpu_vm_describe(self, arguments, flags):
        node = self.find("nodes", arguments[0])
        assert flags["--format"] == "value(state,acceleratorType)"
        print(node["state"], node["type"], sep="\t")

    def tpu_vm_start(self, arguments, flags):
        self.find("nodes", arguments[0])["state"] = "READY"

    def tpu_vm_delete(self, arguments, flags):
        self.find("nodes", arguments[0])
        assert flags["--quiet"], "it would ask"
        self.end_node(arguments[0])

    def queued_resources_create(self, arguments, flags):
        spec = {"type": flags["--accelerator-type"], "node": flags["--node-id"]}
        self.state["requests"][arguments[0]] = spec | {"state": "WAITING_FOR_RESOURCES"}

    def queued_resources_describe(self, arguments, flags):
        request = self.find("requests", arguments[0])
        assert flags["--format"] == "value(state.state)"
        print(request["state"])
        # Seen once in each state, it is in the next one.
        after = {"WAITING_FOR_RESOURCES": "PROVISIONING", "PROVISIONING": "ACTIVE"}
        if request["state"] in after:
            request["state"] = after[request["state"]]
            if request["state"] == "ACTIVE":
                self.add_node(request["node"], request["type"])

    def queued_resources_delete(self, arguments, flags):
        request = self.find("requests", arguments[0])
        assert flags["--quiet"], "it would ask"
        if request["node"] in self.state["nodes"]:
            if not flags.get("--force"):
                self.fail("FAILED_PRECONDITION: it has nodes")
            self.end_node(request["node"])
        del self.state["requests"][arguments[0]]

    def hosts_of(self, name, flags):
        node = self.find("nodes", name)
        if node["state"] in ("PREEMPTED", "TERMINATED"):
            self.fail(
                f'This TPU has terminal state "{node["state"]}", so it cannot be used anymore.'
            )
        if node["state"] != "READY":
            self.fail(
                f'This TPU has state "{node["state"]}", so it cannot be currently connected to.'
            )
        worker = flags.get("--worker", "0")
        return range(node["workers"]) if worker == "all" else [int(worker)]

    def tpu_vm_ssh(self, arguments, flags):
        workers = self.hosts_of(arguments[0], flags)
        self.save()  # The command may take its time.
        fcntl.flock(self.lock, fcntl.LOCK_UN)
        shims = self.folder / "shims"
        running = {}
        for worker in workers:
            home = self.home(arguments[0], worker)
            environment = {"HOME": str(home), "TPU_WORKER_ID": str(worker)}
            environment |= {"PATH": f"{shims}:/usr/bin:/bin", "STAND_IN": str(self.folder)}
            environment |= {"GCE_METADATA_IP": "127.0.0.1:1"}  # Nothing answers there.
            running[worker] = subprocess.Popen(
                ["bash", "-c", flags["--command"]], cwd=home, env=environment
            )
        codes = {worker: process.wait() for worker, process in running.items()}
        finish_together(codes)
        sys.exit(0)

    def tpu_vm_scp(self, arguments, flags):
        source, destination = arguments
        if source.partition(":")[1]:
            name, _, path = source.partition(":")
            (worker,) = self.hosts_of(name, flags)
            here = pathlib.Path(destination)
            here = here / pathlib.Path(path).name if here.is_dir() else here
            assert flags["--recurse"]
            if not (self.home(name, worker) / path).is_dir():
                print(f"scp: {path}: No such file or directory", file=sys.stderr)
                sys.exit(1)
            shutil.copytree(self.home(name, worker) / path, here)
        else:
            name, _, path = destination.partition(":")
            for worker in self.hosts_of(name, flags):
                shutil.copy(source, self.home(name, worker) / path)

    def storage_rsync(self, arguments, flags):
        source, destination = arguments
        bucket = self.folder / "buckets" / source.removeprefix("gs://")
        for place, name in ((bucket, source), (pathlib.Path(destination), destination)):
            if not place.is_dir():
                self.fail(f"Did not find existing container at: {name}")
        assert flags["--recursive"]
        shutil.copytree(bucket, destination, dirs_exist_ok=True)


def finish_together(codes):
    """Ends as `ssh --worker=all` does: with the first exit code that is not 0."""
    for worker, code in codes.items():
        if code and len(codes) > 1:
            print(
                f"##### Command execution on worker {worker} failed with exit status {code}. "
                "Continuing.",
                file=sys.stderr,
            )
    if bad := [code for code in codes.values() if code]:
        sys.exit(bad[0])


def fault(cloud, line):
    """Does what is to go wrong in this call.

    A fault is {"contains": part of the command line, "skip": calls that go well first, "times":
    calls that do not} and what happens: "stderr" and "code", or "node" (its name) and "state", in
    which it is found from then on, or "nothing": the call seems to work, and does nothing.
    """
    path = cloud.folder / "faults.json"
    faults = json.loads(path.read_text())
    for found in faults:
        if found["contains"] in line and found.get("times", 1) > 0:
            if found.get("skip", 0) > 0:
                found["skip"] -= 1
                continue
            if (wanted := found.get("when")) and not (cloud.folder / wanted).exists():
                continue
            found["times"] = found.get("times", 1) - 1
            path.write_text(json.dumps(faults))
            return found
    path.write_text(json.dumps(faults))
    return None


def main():
    folder = pathlib.Path(os.environ["STAND_IN"])
    words = sys.argv[1:]
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with (folder / "calls.jsonl").open("a") as calls:
            calls.write(json.dumps(["gcloud", *words]) + "\n")
        cloud = Cloud(folder, ".".join(words[:4]), lock)
        try:
            name, arguments, flags = check(words)
        except ValueError as error:
            cloud.fail(str(error), 2)
        wrong = fault(cloud, " ".join(words))
        if wrong and "nothing" in wrong:
            return
        if wrong and "stderr" in wrong:
            print(wrong["stderr"], file=sys.stderr)
            sys.exit(wrong.get("code", 1))
        if wrong:
            cloud.end_node(wrong["node"], wrong["state"])
            if wrong["node"] in cloud.state["requests"]:
                cloud.state["requests"][wrong["node"]]["state"] = "SUSPENDED"
        verb = name.removeprefix("compute tpus ").replace(" ", "_").replace("-", "_")
        getattr(cloud, verb)(arguments, flags)
        cloud.save()


if __name__ == "__main__":
    main()
