"""Where an image lies in the input of a network: its corner, negative where it is cut, and the size that it gets."""

from __future__ import annotations

from medzoo.transforms.spatial import center_in, fit_inside

Place = tuple[tuple[int, ...], tuple[int, ...]]
Spacing = tuple[float, ...] | None


def stretch(shape: tuple[int, ...], size: tuple[int, ...], spacing: Spacing, wanted: Spacing) -> Place:
    """Give the image the size, whatever its shape."""
    return (0,) * len(size), size


def pad(shape: tuple[int, ...], size: tuple[int, ...], spacing: Spacing, wanted: Spacing) -> Place:
    """Scale the image to fit inside the size, centred."""
    return fit_inside(shape, size)


def crop(shape: tuple[int, ...], size: tuple[int, ...], spacing: Spacing, wanted: Spacing) -> Place:
    """Leave the scale of the image, or resample it to the `wanted` spacing, and centre it.

    Raises:
        ValueError: The image does not say its spacing, which resampling needs.
    """
    if wanted is None:
        return center_in(shape, size), tuple(shape)
    if spacing is None:
        raise ValueError(
            f"The scan does not say its spacing, which the model needs to resample it to {wanted} mm. "
            "Use a file with a spacing (DICOM, NIfTI), or a model without `spacing`."
        )
    resampled = tuple(
        max(1, round(side * own / other)) for side, own, other in zip(shape, spacing, wanted, strict=True)
    )
    return center_in(resampled, size), resampled


FITS = {"stretch": stretch, "pad": pad, "crop": crop}
