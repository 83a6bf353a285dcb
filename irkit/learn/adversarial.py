"""Losses of a game between a generator and a discriminator that tells real examples from made ones, on logits.

    V(D, G) = E_x log D(x) + E_z log(1 - D(G(z)))        D = sigmoid(logit)

The discriminator makes V as high as it can; at its best it is p / (p + p_G), and V there -log 4 + 2 JSD(p, p_G). The
generator makes V as low as it can (`minimax`), or log D(G(z)) as high as it can (`non-saturating`), whose gradient
does not vanish where the discriminator is sure.

Source: Goodfellow et al., "Generative adversarial nets", NIPS 2014, equations 1, 2 and 4, section 3. Half of V is
used, as in the tutorial of Goodfellow (2016): log 2 is then the loss of a discriminator that knows nothing.
One-sided smoothing: Salimans et al., "Improved techniques for training GANs", NIPS 2016, section 3.4.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from torch import Tensor

from irkit.learn.distributions import softplus

GeneratorLoss: TypeAlias = Literal["non-saturating", "minimax"]
"What a generator minimises."


def discriminator_loss(real: Tensor, fake: Tensor, smoothing: float = 0.0) -> Tensor:
    """Return -1/2 mean log D(x) - 1/2 mean log(1 - D(G(z))), the first with targets 1 - smoothing: () nats.

    Parameters
    ----------
    real, fake : (B,), (B',) logits
    smoothing : float, 0 to 1
        Share of each real example that counts as made; 0 is the paper's loss.
    """
    sure = softplus(-real).mean()
    if smoothing:  # the cross-entropy with a target t is t softplus(-l) + (1 - t) softplus(l)
        sure = (1 - smoothing) * sure + smoothing * softplus(real).mean()
    return 0.5 * (sure + softplus(fake).mean())


def generator_loss(fake: Tensor, form: GeneratorLoss = "non-saturating") -> Tensor:
    """Return -1/2 mean log D(G(z)), or for `minimax` 1/2 mean log(1 - D(G(z))): (B,) logits to () nats."""
    return 0.5 * softplus(-fake).mean() if form == "non-saturating" else -0.5 * softplus(fake).mean()
