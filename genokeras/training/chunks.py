"""How many steps a device makes in one call: as many as are asked for, unless something is due."""

from collections.abc import Iterator

from genokeras.training.train_config import Plan


def chunk_sizes(step: int, plan: Plan, most: int, *, alone: bool = False) -> Iterator[int]:
    """Yields the numbers of steps of the calls from `step` to the end: `most`, or else 1.

    A row, an evaluation or a checkpoint is made between calls, so no call goes past the step after
    which one is due. Only two sizes, since each is a program of its own. With `alone`, the step
    before an evaluation is the only one of its call.
    """
    while step < plan.steps:
        everything = (plan.log_every, plan.eval_every, plan.checkpoint_every)
        due = [plan.steps, *((step // every + 1) * every for every in everything)]
        if alone:
            evaluated = min(plan.steps, (step // plan.eval_every + 1) * plan.eval_every)
            due.append(max(evaluated - 1, step + 1))
        size = most if step + most <= min(due) else 1
        yield size
        step += size
