"""The networks that published weights come from, in torch, written from their descriptions.

MedicalNet (Chen et al., 2019): a 3D ResNet whose stages have strides 1, 2, 1, 1 and dilations 1, 1, 2, 4, and whose
shortcuts are of type A (strided, zero channels appended) at depths 18 and 34, else B (1x1x1 convolution).
Torchvision: a 2D ResNet or ResNeXt with strides 1, 2, 2, 2, the stride of a bottleneck in its middle convolution; and
MobileNetV2 (Sandler et al., 2018).
"""

import torch
from torch import nn
from torch.nn import functional

BLOCKS = {
    10: (1, 1, 1, 1),
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
    200: (3, 24, 36, 3),
}
CONVOLUTIONS = {2: nn.Conv2d, 3: nn.Conv3d}
NORMS = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
POOLS = {2: nn.MaxPool2d, 3: nn.MaxPool3d}
MEANS = {2: functional.avg_pool2d, 3: functional.avg_pool3d}


def convolution(dimensions, inputs, outputs, kernel, stride=1, dilation=1, groups=1):
    return CONVOLUTIONS[dimensions](
        inputs,
        outputs,
        kernel,
        stride=stride,
        padding=dilation * (kernel // 2),
        dilation=dilation,
        groups=groups,
        bias=False,
    )


class ZeroShortcut(nn.Module):
    """Type A: every stride-th pixel, and as many zero channels as are missing. It has no tensors."""

    def __init__(self, dimensions, outputs, stride):
        super().__init__()
        self.dimensions, self.outputs, self.stride = dimensions, outputs, stride

    def forward(self, x):
        x = MEANS[self.dimensions](x, kernel_size=1, stride=self.stride)
        zeros = torch.zeros(len(x), self.outputs - x.shape[1], *x.shape[2:])
        return torch.cat([x, zeros], dim=1)


class Block(nn.Module):
    """A basic block of two convolutions, or a bottleneck of three."""

    def __init__(self, dimensions, inputs, width, outputs, stride, dilation, groups, bottleneck, shortcut):
        super().__init__()
        norm = NORMS[dimensions]
        kernels = (1, 3, 1) if bottleneck else (3, 3)
        middle = 2 if bottleneck else 1
        sizes = [inputs, *[width] * (len(kernels) - 1), outputs]
        self.count = len(kernels)
        for i, kernel in enumerate(kernels, start=1):
            own = {"stride": stride, "groups": groups} if i == middle else {}
            layer = convolution(
                dimensions, sizes[i - 1], sizes[i], kernel, dilation=dilation if kernel == 3 else 1, **own
            )
            setattr(self, f"conv{i}", layer)
            setattr(self, f"bn{i}", norm(sizes[i]))
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = (
                ZeroShortcut(dimensions, outputs, stride)
                if shortcut == "A"
                else nn.Sequential(convolution(dimensions, inputs, outputs, 1, stride), norm(outputs))
            )

    def forward(self, x):
        y = x
        for i in range(1, self.count + 1):
            y = getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(y))
            y = torch.relu(y) if i < self.count else y
        return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    """Returns the stem's output before the pooling and the output of each of the four stages."""

    def __init__(self, depth, dimensions, channels, dilated=False, shortcut="B", groups=1, width_per_group=64):
        super().__init__()
        bottleneck = depth >= 50
        self.conv1 = convolution(dimensions, channels, 64, 7, stride=2)
        self.bn1 = NORMS[dimensions](64)
        self.maxpool = POOLS[dimensions](3, stride=2, padding=1)
        strides, dilations = ((1, 2, 1, 1), (1, 1, 2, 4)) if dilated else ((1, 2, 2, 2), (1, 1, 1, 1))
        inputs = 64
        for stage in range(4):
            planes = 64 * 2**stage
            width, outputs = (planes * width_per_group // 64 * groups, 4 * planes) if bottleneck else (planes, planes)
            blocks = []
            for block in range(BLOCKS[depth][stage]):
                stride = strides[stage] if block == 0 else 1
                blocks.append(
                    Block(dimensions, inputs, width, outputs, stride, dilations[stage], groups, bottleneck, shortcut)
                )
                inputs = outputs
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))

    def forward(self, x):
        features = [torch.relu(self.bn1(self.conv1(x)))]
        x = self.maxpool(features[0])
        for stage in range(1, 5):
            x = getattr(self, f"layer{stage}")(x)
            features.append(x)
        return features


def medicalnet(depth):
    return ResNet(depth, 3, 1, dilated=True, shortcut="A" if depth in (18, 34) else "B")


def torchvision(name):
    arguments = {"groups": 32, "width_per_group": 4} if name == "resnext50" else {}
    return ResNet(int(name.removeprefix("resnet").removeprefix("resnext")), 2, 3, **arguments)


class InvertedResidual(nn.Module):
    """A block of MobileNetV2: expand, filter each channel, project; added to its input where the shape is kept.

    `nested` numbers its layers as torchvision does since 0.3, else in one row, as the file of Li (2018) does.
    """

    def __init__(self, inputs, outputs, stride, expansion, nested):
        super().__init__()
        width = inputs * expansion
        groups = [] if expansion == 1 else [norm_relu6(convolution(2, inputs, width, 1), width)]
        groups.append(norm_relu6(convolution(2, width, width, 3, stride, groups=width), width))
        layers = groups if nested else [layer for group in groups for layer in group]
        self.conv = nn.Sequential(*layers, convolution(2, width, outputs, 1), nn.BatchNorm2d(outputs))
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.conv(x) if self.adds else self.conv(x)


def norm_relu6(convolution, width):
    return nn.Sequential(convolution, nn.BatchNorm2d(width), nn.ReLU6())


class MobileNetV2(nn.Module):
    """Returns the features of strides 2, 4, 8, 16 and 32 (Sandler et al., 2018, table 2)."""

    FEATURES = (1, 3, 6, 13, 18)

    def __init__(self, channels=3, nested=True):
        super().__init__()
        layers, inputs = [norm_relu6(convolution(2, channels, 32, 3, 2), 32)], 32
        rows = (
            (1, 16, 1, 1),
            (6, 24, 2, 2),
            (6, 32, 3, 2),
            (6, 64, 4, 2),
            (6, 96, 3, 1),
            (6, 160, 3, 2),
            (6, 320, 1, 1),
        )
        for expansion, outputs, count, stride in rows:
            for block in range(count):
                layers.append(InvertedResidual(inputs, outputs, stride if block == 0 else 1, expansion, nested))
                inputs = outputs
        self.features = nn.Sequential(*layers, norm_relu6(convolution(2, inputs, 1280, 1), 1280))

    def forward(self, x):
        outputs = []
        for layer in self.features:
            x = layer(x)
            outputs.append(x)
        return [outputs[index] for index in self.FEATURES]


def randomized(network, seed=0):
    """Give a network BatchNorms that do something, and set it to inference."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, (nn.BatchNorm2d, nn.BatchNorm3d)):
            nn.init.uniform_(module.weight, 0.5, 1, generator=generator)
            nn.init.uniform_(module.running_var, 0.5, 1.5, generator=generator)
            nn.init.normal_(module.bias, std=0.2, generator=generator)
            nn.init.normal_(module.running_mean, std=0.2, generator=generator)
    return network.eval()


def features_of(network, images):
    """Return the features, channels last, of images `(batch, [depth,] height, width, channels)`."""
    with torch.inference_mode():
        features = network(torch.from_numpy(images).movedim(-1, 1).contiguous())
    return [feature.movedim(1, -1).numpy() for feature in features]
