"""Shows what is in a dataset: splits, labels, bases, origin and the audit for leakage.

python -m launch.inspect_dataset --data_dir=runs/tf0/data --examples=3
"""

from absl import flags

from data_prep.describe import describe, verify
from launch import app, progress

_DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder of the dataset.", required=True)
_EXAMPLES = flags.DEFINE_integer("examples", 0, "Also show so many examples of each split.")
_VERIFY = flags.DEFINE_bool("verify", False, "Also check every record and every shard's sha256.")


def main() -> None:
    print(describe(_DATA_DIR.value, examples=_EXAMPLES.value))
    if _VERIFY.value:
        print(verify(_DATA_DIR.value, progress=progress.start))


if __name__ == "__main__":
    app.run(main)
