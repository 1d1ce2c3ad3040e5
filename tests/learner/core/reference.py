"""One gradient step of every algorithm in NumPy and float64, written from the equations alone.

    reference.py FOLDER            writes FOLDER/<algorithm>.in.h5 and .out.h5 (numpy and h5py needed)
    reference.py --check           compares every hand-derived gradient with central differences
    reference.py --step IN OUT     runs the step of IN, an update trace, and writes OUT

The golden files in tests/learner/core/golden were written by the first; the C++ tests hold the
learner's engines against them.
"""

import sys

import numpy as np
from reference_nets import (
    LOG2,
    backward,
    discriminator_gradient,
    discriminator_losses,
    forward,
    log_ratio,
    policy_gradient,
    policy_head,
    policy_loss,
    squash,
)

# data, reward shaping, ratio weight, regulariser, omega, backup entropy, V in the targets
TABLE = {
    "sac": ("sim", False, False, None, None, True, False),
    "cql": ("real", False, False, "cql", None, False, False),
    "darc": ("sim", True, False, None, None, True, False),
    "darc_plus": ("both", True, False, None, None, True, False),
    "h2o": ("both", False, True, "logsumexp", "gap", False, False),
    "h2o_v": ("both", False, True, "mean", "gap", False, False),
    "h2o_a": ("both", False, True, "logsumexp", "uniform", False, False),
    "h2o_dr": ("both", False, False, "logsumexp", "gap", False, False),
    "h2o_a_dr": ("both", False, False, "logsumexp", "uniform", False, False),
    "h2o_reg": ("both", False, True, None, None, False, False),
    "h2o_reg_dr": ("both", False, False, None, None, False, False),
    "h2o_reverse_kl": ("both", False, True, "logsumexp", "reverse gap", False, False),
    "h2o_plus": ("both", False, True, None, None, True, True),
}


class Choices:
    def __init__(self, name):
        (
            self.data,
            self.shaping,
            self.ratio,
            self.regularizer,
            self.omega,
            self.entropy,
            self.value,
        ) = TABLE[name]
        self.sources = {"sim": ["sim"], "real": ["real"], "both": ["real", "sim"]}[self.data]
        self.model = self.omega == "reverse gap"
        self.gap = self.omega == "gap" or self.model
        self.discriminators = self.gap or self.ratio or self.shaping


# --- Critics --------------------------------------------------------------------------------------


def log_sum_exp(x, axis):
    top = x.max(axis, keepdims=True)
    return np.squeeze(top, axis) + np.log(np.exp(x - top).sum(axis))


def critic_loss(params, net, s):
    """s: what is constant in the step. Returns losses, and d loss / d q with its caches."""
    q, cache = forward(params, net, s["sa"])
    q = q[:, 0]
    d_q = np.zeros_like(q)
    losses = {"td": 0.0}
    for source, part, weight in s["parts"]:
        error = q[part] - s["target"][part]
        losses["td_" + source] = (weight * error**2).mean()
        losses["td"] += losses["td_" + source]
        d_q[part] += 2 * weight * error / len(error)
    total = losses["td"]
    d_sampled = sampled_cache = None
    beta = s["beta"]
    if s["regularizer"] in ("logsumexp", "mean"):
        real, sim = s["parts"][0][1], s["parts"][1][1]
        omega, q_sim = s["omega"], q[sim]
        if s["regularizer"] == "mean":
            over_sim, d_over_sim = (omega * q_sim).sum(), omega
        else:
            exponent = q_sim + np.log(omega)
            over_sim = log_sum_exp(exponent, 0)
            d_over_sim = np.exp(exponent - over_sim)
        value = over_sim - q[real].mean()
        losses["regularizer"] = np.clip(value, -1000, 1000)
        if abs(value) <= 1000:
            d_q[sim] += beta * d_over_sim
            d_q[real] -= beta / len(q[real])
        total += beta * losses["regularizer"]
    elif s["regularizer"] == "cql":
        n, samples = s["log_density"].shape
        q_sampled, sampled_cache = forward(params, net, s["sampled_sa"])
        exponent = q_sampled.reshape(n, samples) - s["log_density"]
        over_actions = log_sum_exp(exponent, 1)
        losses["regularizer"] = over_actions.mean() - q.mean()
        d_sampled = (beta / n * np.exp(exponent - over_actions[:, None])).reshape(-1, 1)
        d_q -= beta / n
        total += beta * losses["regularizer"]
    return total, losses, (d_q, cache, d_sampled, sampled_cache)


def critic_gradient(params, net, s):
    _, losses, (d_q, cache, d_sampled, sampled_cache) = critic_loss(params, net, s)
    gradient = {}
    backward(params, net, cache, d_q[:, None], gradient)
    if d_sampled is not None:
        backward(params, net, sampled_cache, d_sampled, gradient)
    return losses, gradient


# --- The model of the dynamics (eq. 36) and V (H2O+) ----------------------------------------------


def predict_difference(params, sa):
    """Mean and log variance of s' - s."""
    out, _ = forward(params, "dynamics", sa)
    dim = out.shape[1] // 2
    softplus = lambda x: np.logaddexp(0, x)
    log_variance = 0.5 - softplus(0.5 - out[:, dim:])
    return out[:, :dim], softplus(log_variance + 10) - 10


def value_loss(params, s, expectile):
    v, cache = forward(params, "v", s["value_observation"])
    delta = s["value_target"] - v[:, 0]
    weight = np.abs(expectile - (delta < 0))
    return (weight * delta**2).mean(), (cache, -2 * weight * delta / len(delta))


def value_gradient(params, s, expectile):
    loss, (cache, d_v) = value_loss(params, s, expectile)
    gradient = {}
    backward(params, "v", cache, d_v[:, None], gradient)
    return loss, gradient


# --- The step -------------------------------------------------------------------------------------


def stack(tree, group, field, sources):
    return np.concatenate([tree[f"{group}/{source}/{field}"] for source in sources])


def adam(params, gradient, learning_rate):
    """The first step from zero moments."""
    after = dict(params)
    for path, g in gradient.items():
        first, second = 0.1 * g, 0.001 * g**2
        after[path] = params[path] - learning_rate * (first / 0.1) / (
            np.sqrt(second / 0.001) + 1e-8
        )
    return after


def constants(attributes, params, tree):
    """Everything the critics' losses hold constant, from the updated discriminators."""
    choices = Choices(attributes["algorithm"])
    sources = choices.sources
    observation = stack(tree, "batch", "observation", sources)
    action = stack(tree, "batch", "action", sources)
    following = stack(tree, "batch", "next_observation", sources)
    reward = stack(tree, "batch", "reward", sources).copy()
    terminal = stack(tree, "batch", "terminal", sources)
    n = len(observation) // len(sources)
    sim = slice(len(observation) - n, None)
    alpha = np.exp(params["log_alpha"])
    s = {"sa": np.concatenate([observation, action], 1), "beta": attributes["min_q_weight"]}
    s["regularizer"] = choices.regularizer
    sim_sa = s["sa"][sim]
    weight = 1.0
    if choices.ratio or choices.shaping:
        log_w = log_ratio(params, sim_sa, following[sim])
    if choices.ratio:
        weight = s["ratio"] = np.clip(np.exp(log_w), 1e-5, 1)
    if choices.shaping:
        reward[sim] += np.clip(log_w, -10, 10)
    if choices.gap:
        noise = tree["noise/next_state"]
        samples = noise.shape[1]
        if choices.model:
            mean, log_variance = predict_difference(params, sim_sa)
            sigma = np.sqrt(np.exp(log_variance))
            noisy = observation[sim][:, None] + mean[:, None] + sigma[:, None] * noise
        else:
            noisy = following[sim][:, None] + noise * tree["state_std"]
        repeated = np.repeat(sim_sa, samples, 0)
        ratios = log_ratio(params, repeated, noisy.reshape(n * samples, -1)).reshape(n, samples)
        kl = ratios.mean(1) if choices.model else -ratios.mean(1)
        s["u"] = np.clip(kl, 1e-45, 10)
    elif choices.omega == "uniform":
        s["u"] = np.ones(n)
    if "u" in s:
        s["omega"] = s["u"] / s["u"].sum()
    mean, log_std, _ = policy_head(params, following)
    next_action, next_log_prob, _ = squash(mean, log_std, tree["noise/next_policy"])
    next_sa = np.concatenate([following, next_action], 1)
    value = np.minimum(
        forward(params, "q1_target", next_sa)[0], forward(params, "q2_target", next_sa)[0]
    )[:, 0]
    if attributes["backup_entropy"]:
        value = value - alpha * next_log_prob
    if choices.value:
        exploit = attributes["exploit_coefficient"]
        value = exploit * forward(params, "v", following)[0][:, 0] + (1 - exploit) * value
        real = slice(0, n)
        s["value_observation"] = observation[real]
        s["value_target"] = np.minimum(
            *(forward(params, net, s["sa"][real])[0][:, 0] for net in ("q1_target", "q2_target"))
        )
    s["target"] = reward + attributes["discount"] * (1 - terminal) * value
    s["parts"] = [
        (source, slice(i * n, (i + 1) * n), weight if source == "sim" else 1.0)
        for i, source in enumerate(sources)
    ]
    if choices.regularizer == "cql":
        uniform = tree["noise/cql/uniform"]
        k = uniform.shape[1]
        actions, densities = [uniform], [np.full((n, k), -LOG2 * uniform.shape[2])]
        for where, states in (("next", following), ("current", observation)):
            mean, log_std, _ = policy_head(params, states)
            a, log_prob, _ = squash(mean[:, None], log_std[:, None], tree[f"noise/cql/{where}"])
            actions.append(a)
            densities.append(log_prob)
        s["log_density"] = np.concatenate(densities, 1)
        states = np.repeat(observation, 3 * k, 0)
        s["sampled_sa"] = np.concatenate(
            [states, np.concatenate(actions, 1).reshape(n * 3 * k, -1)], 1
        )
    return s, observation, alpha


def step(attributes, params, tree):
    choices = Choices(attributes["algorithm"])
    learning_rate = attributes["learning_rate"]
    out, gradient = {}, {}
    if choices.discriminators:
        fields = ("observation", "action", "next_observation")
        clean, noise = (
            np.concatenate([stack(tree, group, f, ["real", "sim"]) for f in fields], 1)
            for group in ("discriminator_batch", "noise/discriminator")
        )
        m = len(clean) // 2
        sa_width = sum(tree[f"discriminator_batch/real/{f}"].shape[1] for f in fields[:2])
        losses, gradient = discriminator_gradient(
            params, clean + attributes["discriminator_noise_std"] * noise, sa_width, m
        )
        out["loss/d_sa"], out["loss/d_sas"] = losses
        params = adam(params, gradient, learning_rate)
    s, observation, alpha = constants(attributes, params, tree)
    for key in ("u", "omega", "ratio"):
        if key in s:
            out[key] = s[key]
    out["loss/policy"], log_prob, policy = policy_gradient(
        params, observation, tree["noise/policy"], alpha
    )
    pull = log_prob.mean() + attributes["target_entropy"]
    out["loss/alpha"] = -params["log_alpha"] * pull
    rest = {**policy, "log_alpha": -pull}
    for net in ("q1", "q2"):
        losses, critic = critic_gradient(params, net, s)
        rest.update(critic)
        out.update({f"loss/{net}_{name}": value for name, value in losses.items()})
    if choices.value:
        out["loss/v"], value = value_gradient(params, s, attributes["value_expectile"])
        rest.update(value)
    after = adam(params, rest, learning_rate)
    for path in params:
        net = path.split("/")[0]
        if net.endswith("_target"):
            online = after[path.replace("_target", "")]
            after[path] = (1 - attributes["tau"]) * params[path] + attributes["tau"] * online
    out.update({"gradient/" + path: g for path, g in {**gradient, **rest}.items()})
    out.update({"params_after/" + path: p for path, p in after.items()})
    return out


# --- Random nets and batches ----------------------------------------------------------------------


def example(name, seed, observation=3, action=2, hidden=7, n=6, m=5, samples=4, cql_actions=3):
    choices = Choices(name)
    rng = np.random.default_rng(seed)

    def single(x):
        """As the file holds it."""
        return np.asarray(x, np.float32).astype(np.float64)

    def normal(*shape):
        return single(rng.normal(size=shape))

    params = {}

    def add_net(net, sizes, last_scale):
        for i, (inputs, outputs) in enumerate(zip(sizes, sizes[1:])):
            scale = last_scale if i == len(sizes) - 2 else 1.3 / np.sqrt(inputs)
            params[f"{net}/{i}/weight"] = single(scale * normal(outputs, inputs))
            params[f"{net}/{i}/bias"] = single(0.3 * normal(outputs))

    add_net("policy", [observation, hidden, hidden, 2 * action], 0.6)
    params["policy/log_std_multiplier"] = single(1.1)
    params["policy/log_std_offset"] = single(-0.8)
    for net in ("q1", "q2", "q1_target", "q2_target"):
        add_net(net, [observation + action, hidden, hidden, 1], 1.0)
    params["log_alpha"] = single(-0.4)
    if choices.discriminators:
        add_net("d_sa", [observation + action, hidden, hidden, 2], 0.5)
        add_net("d_sas", [2 * observation + action, hidden, hidden, 2], 0.5)
    if choices.value:
        add_net("v", [observation, hidden, hidden, 1], 1.0)
    if choices.model:
        add_net("dynamics", [observation + action, hidden, hidden, 2 * observation], 0.7)
    tree = {}
    groups = [(f"batch/{source}", n, True) for source in choices.sources]
    if choices.discriminators:
        groups += [(f"discriminator_batch/{source}", m, False) for source in ("real", "sim")]
        groups += [(f"noise/discriminator/{source}", m, None) for source in ("real", "sim")]
    for group, rows, full in groups:
        tree[f"{group}/observation"] = normal(rows, observation)
        raw = normal(rows, action)
        tree[f"{group}/action"] = raw if full is None else single(np.tanh(raw))
        tree[f"{group}/next_observation"] = normal(rows, observation)
        if full:
            tree[f"{group}/reward"] = normal(rows)
            tree[f"{group}/terminal"] = single(np.arange(rows) % 3 == 1)
    rows = n * len(choices.sources)
    tree["noise/policy"] = normal(rows, action)
    tree["noise/next_policy"] = normal(rows, action)
    if choices.gap:
        tree["noise/next_state"] = normal(n, samples, observation)
    if choices.gap and not choices.model:
        tree["state_std"] = single(0.2 + np.abs(normal(observation)))
    if choices.regularizer == "cql":
        tree["noise/cql/current"] = normal(n, cql_actions, action)
        tree["noise/cql/next"] = normal(n, cql_actions, action)
        tree["noise/cql/uniform"] = single(rng.uniform(-1, 1, (n, cql_actions, action)))
    attributes = {
        "algorithm": name,
        "min_q_weight": 2.0 if name == "cql" else 0.25,
        "discount": 0.97,
        "tau": 0.02,
        "learning_rate": 1e-3,
        "target_entropy": -1.5,
        "discriminator_noise_std": 0.1,
        "backup_entropy": choices.entropy,
    }
    if choices.value:
        attributes.update(exploit_coefficient=0.4, value_expectile=0.7)
    return attributes, params, tree


def telling_example(name):
    """The first random one in which u is at its floor for some rows and above it for others, and the
    ratio above its clamp and below it."""
    for seed in range(1000):
        attributes, params, tree = example(name, seed)
        outputs = step(attributes, params, tree)
        u, ratio = outputs.get("u"), outputs.get("ratio")
        mixed_u = u is None or (u == 1).all() or 3 <= (u > 1e-45).sum() < len(u)
        mixed_ratio = ratio is None or 2 <= (ratio < 1).sum() < len(ratio)
        if mixed_u and mixed_ratio:
            return attributes, params, tree, outputs
    raise SystemExit(f"{name}: no telling example")


# --- Checks and files -----------------------------------------------------------------------------


def check():
    """Every gradient against central differences; raises where one is off."""

    def compare(what, params, gradient, loss):
        rng = np.random.default_rng(0)
        for path, g in gradient.items():
            g = np.asarray(g)
            for index in {tuple(rng.integers(0, s) for s in g.shape) for _ in range(6)}:
                values = []
                for sign in (1, -1):
                    moved = {k: np.array(v) for k, v in params.items()}
                    moved[path][index] += sign * 1e-6
                    values.append(loss(moved))
                numeric = (values[0] - values[1]) / 2e-6
                if abs(numeric - g[index]) > 1e-6 * (1 + abs(g[index])):
                    raise SystemExit(f"{what} {path}{index}: {g[index]}, numerically {numeric}")

    for seed, name in enumerate(TABLE):
        attributes, params, tree = example(name, seed)
        s, observation, alpha = constants(attributes, params, tree)
        noise = tree["noise/policy"]
        _, _, gradient = policy_gradient(params, observation, noise, alpha)
        compare(name, params, gradient, lambda p: policy_loss(p, observation, noise, alpha)[0])
        for net in ("q1", "q2"):
            _, gradient = critic_gradient(params, net, s)
            compare(name, params, gradient, lambda p: critic_loss(p, net, s)[0])
        if Choices(name).value:
            _, gradient = value_gradient(params, s, 0.7)
            compare(name, params, gradient, lambda p: value_loss(p, s, 0.7)[0])
        if Choices(name).discriminators:
            sas = np.random.default_rng(seed).normal(size=(8, 8))
            _, gradient = discriminator_gradient(params, sas, 5, 4)
            compare(name, params, gradient, lambda p: sum(discriminator_losses(p, sas, 5, 4)[0]))
        print(f"{name}: gradients agree with central differences")


def write(path, attributes, groups):
    import h5py

    # Compact storage in a format that HDF5 1.10 reads: small files.
    with h5py.File(path, "w", libver=("v108", "v110")) as file:
        links = h5py.h5p.create(h5py.h5p.LINK_CREATE)
        links.set_create_intermediate_group(True)
        for key, value in attributes.items():
            file.attrs[key] = value
        for name, value in groups.items():
            array = np.asarray(value, np.float32, order="C")
            space = h5py.h5s.create_simple(array.shape) if array.shape else h5py.h5s.create(
                h5py.h5s.SCALAR
            )
            layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            layout.set_layout(
                h5py.h5d.COMPACT if array.nbytes < 32768 else h5py.h5d.CONTIGUOUS
            )
            dataset = h5py.h5d.create(
                file.id, name.encode(), h5py.h5t.IEEE_F32LE, space, dcpl=layout, lcpl=links
            )
            dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, array)


def read(path):
    import h5py

    with h5py.File(path) as file:
        attributes = dict(file.attrs)
        params, tree = {}, {}

        def visit(name, item):
            if isinstance(item, h5py.Dataset):
                if name.startswith("params/"):
                    params[name[len("params/") :]] = item[()].astype(np.float64)
                else:
                    tree[name] = item[()].astype(np.float64)

        file.visititems(visit)
    return attributes, params, tree


def main(arguments):
    if arguments == ["--check"]:
        check()
    elif len(arguments) == 3 and arguments[0] == "--step":
        write(arguments[2], {}, step(*read(arguments[1])))
    elif len(arguments) == 1 and not arguments[0].startswith("-"):
        for name in TABLE:
            attributes, params, tree, outputs = telling_example(name)
            groups = {"params/" + path: value for path, value in params.items()}
            write(f"{arguments[0]}/{name}.in.h5", attributes, {**groups, **tree})
            write(f"{arguments[0]}/{name}.out.h5", {}, outputs)
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
