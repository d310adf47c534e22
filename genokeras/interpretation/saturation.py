"""In-silico saturation mutagenesis: what becomes of a prediction if a base is another one.

Every base of a sequence is replaced by each of the three others, one at a time, and only what that
can change is computed again (as in fastISM, doi:10.1093/bioinformatics/btac135): see `local_graph`.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

from genokeras.interpretation.edits import EDITS, Edited
from genokeras.interpretation.local_graph import Walk


def cut_model(model: keras.Model) -> keras.Model:
    """Returns the model behind its layer `one_hot`: from one-hot DNA and the mask to its outputs.

    Inputs are float `[B, L, 4]` and bool `[B, L]`, false at padding.
    """
    return keras.Model(model.get_layer("one_hot").output, model.outputs[0], name="cut")


def edit_effects(network: keras.Model, one_hot: Any, mask: Any) -> tuple[Any, list[str]]:
    """Returns by how much each edit changes the outputs `[L, 3, T]`, and where locality ended.

    The three edits of a position are the next bases in the circle A, C, G, T.

    Args:
        network: As `cut_model` returns it.
        one_hot: `[1, L, 4]`.
        mask: `[1, L]`.
    """
    length = one_hot.shape[1]
    others = (ops.argmax(one_hot, axis=-1)[0][:, None] + np.arange(1, EDITS + 1)) % 4
    change = ops.one_hot(others, 4, dtype=one_hot.dtype) - one_hot[0][:, None]
    edited = Edited(one_hot, (0,), (1,), changed=change[None, :, :, None])
    walk = Walk(EDITS * length)
    (found,) = walk.through(network, [edited, mask])
    plain = network([one_hot, mask], training=False)
    effects = walk.whole(found) - plain
    return ops.reshape(effects, (length, EDITS, *plain.shape[1:])), walk.stops
