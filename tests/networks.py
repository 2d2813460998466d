"""Networks whose weights are shared, of attention, recurrent, or computed from other parameters; all take digits."""

import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm, weight_norm


class TiedNet(nn.Module):
    """64-12-12-12-12-10: `b` has the weight of `a` and a bias of its own; `c` is `a` under another name."""

    def __init__(self) -> None:
        super().__init__()
        self.input = nn.Linear(64, 12)
        self.a = nn.Linear(12, 12)
        self.b = nn.Linear(12, 12)
        self.b.weight = self.a.weight
        self.c = self.a
        self.fc = nn.Linear(12, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        hidden = self.input(images.flatten(1)).relu()
        for layer in (self.a, self.b, self.c):
            hidden = layer(hidden).tanh()
        return self.fc(hidden)


class TiedEmbedding(nn.Module):
    """Pixels as words of 17 grey levels; a linear layer has the weight of their embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(17, 8)
        self.decoder = nn.Linear(8, 17, bias=False)
        self.decoder.weight = self.embedding.weight
        self.fc = nn.Linear(17 * 64, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        words = (images.flatten(1) * 4 + 8).long().clamp(0, 16)
        return self.fc(self.decoder(self.embedding(words)).tanh().flatten(1))


class AttentionNet(nn.Module):
    """Rows as words, positions learnt, attention of two heads, its mean."""

    def __init__(self) -> None:
        super().__init__()
        self.input = nn.Linear(8, 12)
        self.position = nn.Parameter(torch.randn(1, 8, 12) / 4)
        self.attention = nn.MultiheadAttention(12, 2, batch_first=True)
        self.fc = nn.Linear(12, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        rows = self.input(images.flatten(1).view(-1, 8, 8)) + self.position
        return self.fc(self.attention(rows, rows, rows, need_weights=False)[0].mean(1))


class RecurrentNet(nn.Module):
    """Rows one after the other."""

    def __init__(self, layer: type[nn.RNNBase] = nn.LSTM) -> None:
        super().__init__()
        self.layer = layer(8, 12, batch_first=True)
        self.fc = nn.Linear(12, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.fc(self.layer(images.flatten(1).view(-1, 8, 8))[0][:, -1])


class NormedNet(nn.Module):
    """Weight normalisation and spectral normalisation in the middle, of `old` kind as hooks."""

    def __init__(self, old: bool = False) -> None:
        super().__init__()
        by_weight = nn.utils.weight_norm if old else weight_norm
        by_spectrum = nn.utils.spectral_norm if old else spectral_norm
        self.input = nn.Linear(64, 6)
        self.a = by_weight(nn.Linear(6, 6))
        self.b = by_spectrum(nn.Linear(6, 6))
        self.fc = nn.Linear(6, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.fc(self.b(self.a(self.input(images.flatten(1)).tanh()).tanh()))
