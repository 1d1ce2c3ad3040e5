"""Nets, policy and discriminators of reference.py, forward and backward, in NumPy and float64."""

import numpy as np

LOG2 = np.log(2.0)

# --- A multilayer perceptron, forward and backward ------------------------------------------------


def forward(params, net, x):
    """Returns the output and what backward() needs."""
    cache = []
    layer = 0
    while f"{net}/{layer}/weight" in params:
        weight, bias = params[f"{net}/{layer}/weight"], params[f"{net}/{layer}/bias"]
        last = f"{net}/{layer + 1}/weight" not in params
        z = x @ weight.T + bias
        cache.append((x, z, last))
        x = z if last else np.maximum(z, 0)
        layer += 1
    return x, cache


def backward(params, net, cache, d, gradient):
    """Adds d loss / d parameters to `gradient` (None: not wanted); returns d loss / d input."""
    for layer in reversed(range(len(cache))):
        x, z, last = cache[layer]
        if not last:
            d = d * (z > 0)
        if gradient is not None:
            for key, value in (("weight", d.T @ x), ("bias", d.sum(0))):
                path = f"{net}/{layer}/{key}"
                gradient[path] = gradient.get(path, 0) + value
        d = d @ params[f"{net}/{layer}/weight"]
    return d


# --- The tanh-Gaussian policy ---------------------------------------------------------------------

LOG_STD_MIN, LOG_STD_MAX = -20.0, 2.0


def policy_head(params, observation):
    out, cache = forward(params, "policy", observation)
    action_dim = out.shape[1] // 2
    mean, raw = out[:, :action_dim], out[:, action_dim:]
    unclamped = params["policy/log_std_multiplier"] * raw + params["policy/log_std_offset"]
    log_std = np.clip(unclamped, LOG_STD_MIN, LOG_STD_MAX)
    return mean, log_std, (cache, raw, unclamped)


def squash(mean, log_std, noise):
    """Action and log density; the last as the textbook has it where that is accurate enough."""
    u = mean + np.exp(log_std) * noise
    gaussian = -0.5 * noise**2 - log_std - 0.5 * np.log(2 * np.pi)
    # log(1 - tanh^2 u) = -2 log cosh u, and log cosh u = |u| + log1p(exp(-2|u|)) - log 2.
    log_cosh = np.abs(u) + np.log1p(np.exp(-2 * np.abs(u))) - LOG2
    return np.tanh(u), (gaussian + 2 * log_cosh).sum(-1), u


def policy_loss(params, observation, noise, alpha):
    mean, log_std, saved = policy_head(params, observation)
    action, log_prob, u = squash(mean, log_std, noise)
    x = np.concatenate([observation, action], 1)
    q, caches = zip(*(forward(params, net, x) for net in ("q1", "q2")))
    q = np.concatenate(q, 1)
    loss = (alpha * log_prob - q.min(1)).mean()
    return loss, (action, log_prob, u, q, caches, log_std, saved)


def policy_gradient(params, observation, noise, alpha):
    loss, (action, log_prob, u, q, caches, log_std, saved) = policy_loss(
        params, observation, noise, alpha
    )
    rows = len(q)
    d_action = 0
    for i, net in enumerate(("q1", "q2")):
        chosen = (q.argmin(1) == i)[:, None]
        d_x = backward(params, net, caches[i], -(chosen / rows), None)
        d_action = d_action + d_x[:, observation.shape[1] :]
    # d/du of log pi is 2 tanh u (from -log(1 - tanh^2 u)); da/du = 1 - a^2.
    d_u = alpha / rows * 2 * np.tanh(u) + d_action * (1 - action**2)
    d_mean = d_u
    d_log_std = d_u * np.exp(log_std) * noise - alpha / rows
    cache, raw, unclamped = saved
    d_log_std = d_log_std * ((unclamped >= LOG_STD_MIN) & (unclamped <= LOG_STD_MAX))
    gradient = {
        "policy/log_std_multiplier": (d_log_std * raw).sum(),
        "policy/log_std_offset": d_log_std.sum(),
    }
    d_raw = d_log_std * params["policy/log_std_multiplier"]
    backward(params, "policy", cache, np.concatenate([d_mean, d_raw], 1), gradient)
    return loss, log_prob, gradient


# --- Discriminators -------------------------------------------------------------------------------


def log_softmax(z):
    shifted = z - z.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def discriminator_losses(params, sas, sa_width, m):
    """sas: noisy inputs, m real rows, then m simulated ones."""
    out_sa, cache_sa = forward(params, "d_sa", sas[:, :sa_width])
    out_sas, cache_sas = forward(params, "d_sas", sas)
    z_sa, z_sas = 2 * np.tanh(out_sa), 2 * np.tanh(out_sas)
    losses, d_logits = [], []
    for z in (z_sa, z_sas + z_sa):
        log_c = log_softmax(z)
        losses.append(-log_c[:m, 0].mean() - log_c[m:, 1].mean())
        one_hot = np.zeros_like(z)
        one_hot[:m, 0] = 1
        one_hot[m:, 1] = 1
        d_logits.append((np.exp(log_c) - one_hot) / m)
    return losses, (out_sa, cache_sa, out_sas, cache_sas, d_logits)


def discriminator_gradient(params, sas, sa_width, m):
    losses, (out_sa, cache_sa, out_sas, cache_sas, d_logits) = discriminator_losses(
        params, sas, sa_width, m
    )
    gradient = {}
    d_sa = (d_logits[0] + d_logits[1]) * 2 * (1 - np.tanh(out_sa) ** 2)
    d_sas = d_logits[1] * 2 * (1 - np.tanh(out_sas) ** 2)
    backward(params, "d_sa", cache_sa, d_sa, gradient)
    backward(params, "d_sas", cache_sas, d_sas, gradient)
    return losses, gradient


def log_ratio(params, sa, next_observation):
    """Eq. 7 in its long form, by way of the probabilities."""
    z_sa = 2 * np.tanh(forward(params, "d_sa", sa)[0])
    z_sas = 2 * np.tanh(forward(params, "d_sas", np.concatenate([sa, next_observation], 1))[0])
    c_sa, c_sas = np.exp(log_softmax(z_sa)), np.exp(log_softmax(z_sas + z_sa))
    return np.log(c_sas[:, 0] * c_sa[:, 1] / (c_sas[:, 1] * c_sa[:, 0]))
