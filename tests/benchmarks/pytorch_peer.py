"""The peer of learner_benchmark: the H2O update as one would write it in eager PyTorch, torch.nn modules,
torch.optim.Adam and autograd, on the CPU.

    pytorch_peer.py --observation 17 --action 6 --hidden 256 --batch 256 --discriminator-batch 256

Speaks one line at a time: "ready" at first, then for every line "SECONDS" on its input it trains for so
long and answers "UPDATES ELAPSED".
"""

import argparse
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn


def mlp(inputs, hidden, outputs):
    return nn.Sequential(
        nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(),
        nn.Linear(hidden, outputs))


class Policy(nn.Module):
    def __init__(self, observation, action, hidden):
        super().__init__()
        self.net = mlp(observation, hidden, 2 * action)
        self.multiplier = nn.Parameter(torch.tensor(1.0))
        self.offset = nn.Parameter(torch.tensor(-1.0))

    def forward(self, observation):
        mean, log_std = self.net(observation).chunk(2, dim=-1)
        log_std = torch.clamp(self.multiplier * log_std + self.offset, -20, 2)
        normal = torch.distributions.Normal(mean, log_std.exp(), validate_args=False)
        u = normal.rsample()
        action = torch.tanh(u)
        squash = 2 * (0.6931471805599453 - u - F.softplus(-2 * u))
        return action, (normal.log_prob(u) - squash).sum(-1)


class H2O:
    discount, tau, beta, samples, noise = 0.99, 5e-3, 0.01, 10, 0.1

    def __init__(self, o, a, hidden, batch, discriminator_batch, rows=20000):
        self.batch, self.discriminator_batch = batch // 2, discriminator_batch
        self.policy = Policy(o, a, hidden)
        self.q1, self.q2 = mlp(o + a, hidden, 1), mlp(o + a, hidden, 1)
        self.target1, self.target2 = mlp(o + a, hidden, 1), mlp(o + a, hidden, 1)
        self.target1.load_state_dict(self.q1.state_dict())
        self.target2.load_state_dict(self.q2.state_dict())
        self.d_sa, self.d_sas = mlp(o + a, hidden, 2), mlp(2 * o + a, hidden, 2)
        self.log_alpha = torch.zeros((), requires_grad=True)
        self.target_entropy = -float(a)
        rate = 3e-4
        self.policy_optimizer = torch.optim.Adam(self.policy.parameters(), rate)
        self.critic_optimizer = torch.optim.Adam(
            [*self.q1.parameters(), *self.q2.parameters()], rate)
        self.alpha_optimizer = torch.optim.Adam([self.log_alpha], rate)
        self.sa_optimizer = torch.optim.Adam(self.d_sa.parameters(), rate)
        self.sas_optimizer = torch.optim.Adam(self.d_sas.parameters(), rate)
        self.real, self.sim = ([torch.randn(rows, o), torch.rand(rows, a) * 2 - 1,
                                torch.randn(rows, o), torch.randn(rows), torch.zeros(rows)]
                               for _ in range(2))
        self.state_std = self.real[0].std(0) + 1e-3

    @staticmethod
    def sample(source, count):
        index = torch.randint(len(source[0]), (count,))
        return [column[index] for column in source]

    def logits(self, s, a, s2):
        return 2 * torch.tanh(self.d_sas(torch.cat([s, a, s2], -1)))

    def train_discriminators(self):
        z_sa, z_sas = [], []
        for source in (self.real, self.sim):
            s, a, s2, _, _ = self.sample(source, self.discriminator_batch)
            s = s + self.noise * torch.randn_like(s)
            a = a + self.noise * torch.randn_like(a)
            s2 = s2 + self.noise * torch.randn_like(s2)
            z_sa.append(2 * torch.tanh(self.d_sa(torch.cat([s, a], -1))))
            z_sas.append(self.logits(s, a, s2) + z_sa[-1])
        loss = 0
        for z in (z_sa, z_sas):
            for label in (0, 1):
                labels = torch.full((self.discriminator_batch,), label)
                loss = loss + F.cross_entropy(z[label], labels)
        self.sa_optimizer.zero_grad()
        self.sas_optimizer.zero_grad()
        loss.backward()
        self.sa_optimizer.step()
        self.sas_optimizer.step()

    @torch.no_grad()
    def weights(self, s, a, s2):
        z = self.logits(s, a, s2)
        ratio = torch.exp(z[:, 0] - z[:, 1]).clamp(1e-5, 1)
        noisy = s2.unsqueeze(1) + self.state_std * torch.randn(len(s), self.samples, s.shape[1])
        many = lambda x: x.unsqueeze(1).expand(-1, self.samples, -1)
        z = self.logits(many(s), many(a), noisy)
        u = (z[..., 1] - z[..., 0]).mean(-1).clamp(1e-45, 10)
        return ratio, u / u.sum()

    def update(self):
        self.train_discriminators()
        real, sim = self.sample(self.real, self.batch), self.sample(self.sim, self.batch)
        n = self.batch
        s, a, s2, r, d = (torch.cat([x, y]) for x, y in zip(real, sim))
        ratio, omega = self.weights(*sim[:3])

        action, log_prob = self.policy(s)
        alpha_loss = -(self.log_alpha * (log_prob + self.target_entropy).detach()).mean()
        alpha = self.log_alpha.exp().detach()
        x = torch.cat([s, action], -1)
        policy_loss = (alpha * log_prob - torch.min(self.q1(x), self.q2(x)).squeeze(-1)).mean()

        with torch.no_grad():
            action2, _ = self.policy(s2)
            x2 = torch.cat([s2, action2], -1)
            value = torch.min(self.target1(x2), self.target2(x2)).squeeze(-1)
            y = r + self.discount * (1 - d) * value
        x = torch.cat([s, a], -1)
        critic_loss = 0
        for critic in (self.q1, self.q2):
            q = critic(x).squeeze(-1)
            error = (q - y) ** 2
            td = error[:n].mean() + (ratio * error[n:]).mean()
            penalty = torch.logsumexp(q[n:] + omega.log(), 0) - q[:n].mean()
            critic_loss = critic_loss + td + self.beta * penalty.clamp(-1000, 1000)

        self.alpha_optimizer.zero_grad()
        alpha_loss.backward()
        self.policy_optimizer.zero_grad()
        policy_loss.backward()
        self.critic_optimizer.zero_grad()
        critic_loss.backward()
        self.alpha_optimizer.step()
        self.policy_optimizer.step()
        self.critic_optimizer.step()
        with torch.no_grad():
            for net, target in ((self.q1, self.target1), (self.q2, self.target2)):
                for p, t in zip(net.parameters(), target.parameters()):
                    t.mul_(1 - self.tau).add_(self.tau * p)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--observation", type=int, required=True)
    parser.add_argument("--action", type=int, required=True)
    parser.add_argument("--hidden", type=int, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--discriminator-batch", type=int, required=True)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    learner = H2O(arguments.observation, arguments.action, arguments.hidden, arguments.batch,
                  arguments.discriminator_batch)
    for _ in range(3):
        learner.update()
    print("ready", flush=True)
    for line in sys.stdin:
        seconds = float(line)
        start = time.perf_counter()
        updates = 0
        while time.perf_counter() - start < seconds:
            learner.update()
            updates += 1
        print(updates, time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    main()
