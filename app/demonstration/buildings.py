"""Single buildings: pitched, hipped and flat roofs with what stands on them; pools and cars."""

import numpy as np

from app.demonstration.canvas import Canvas, Patch, Points, rectangle
from app.demonstration.materials import CLASS_OF_MATERIAL, Material
from app.demonstration.noise import FloatImage, Noise
from app.demonstration.palette import Colour, Palette

_TAKEN = np.zeros(256, np.bool_)
_TAKEN[[Material.ASPHALT, Material.WATER, Material.POOL, Material.BALLAST, Material.ROOF_TILE, Material.ROOF_FLAT,
        Material.ROOF_METAL, Material.GREENHOUSE, Material.SNOW]] = True  # fmt: skip


class Builder:
    """Places what people build, one object at a time."""

    def __init__(self, canvas: Canvas, palette: Palette, noise: Noise) -> None:
        self._canvas = canvas
        self._palette = palette
        self._noise = noise

    def is_free(self, outline: Points) -> bool:
        """True when no road, water or roof lies under the polygon and it is not off the scene."""
        patch = self._canvas.patch(outline, over_lines=True)
        return self.is_off_lines(outline) and patch is not None and not _TAKEN[patch.material[patch.mask]].any()

    def is_off_lines(self, outline: Points) -> bool:
        """True when no road, railway or river lies under the polygon; roofs may, as in terraces."""
        patch = self._canvas.patch(outline, over_lines=True)
        return patch is not None and not self._canvas.reserved[patch.window.slices][patch.mask].any()

    def pitched(
        self, centre: Points, length: float, width: float, angle: float, eave_m: float, rng: np.random.Generator,
        *, colour: Colour | None = None, hipped: bool | None = None, slope: float | None = None,
    ) -> None:  # fmt: skip
        """A gable or hip roof; its ridge runs along `angle`."""
        patch = self._canvas.patch(rectangle(centre, length, width, angle))
        if patch is None:
            return
        tint = self._palette.pitched_roof(rng) if colour is None else self._palette.vary(colour, rng, 0.05)
        along, across = patch.axes(centre, angle)
        rise = np.float32(width / 2) - np.abs(across)
        if rng.random() < 0.35 if hipped is None else hipped:
            rise = np.minimum(rise, np.float32(length / 2) - np.abs(along))
        pitch = rng.uniform(0.28, 0.6) if slope is None else slope
        height = (eave_m + np.clip(rise, 0, None) * pitch).astype(np.float32)
        streaks = self._noise.smooth(400, 9, patch.window) * 0.05 + np.sin(along * np.float32(11)) * 0.03
        worn = self._noise.fractal(401, 40, 3, patch.window) * np.float32(rng.uniform(0.03, 0.12))
        tone = 1 + streaks + worn
        tone[np.abs(across) < 0.18] *= 1.08
        tone[rise < 0.22] *= 0.9
        patch.paint(Material.ROOF_TILE, tone[..., None] * tint, height=height)
        self._roof_objects(patch, centre, length, width, angle, height, rng)

    def flat(
        self, centre: Points, length: float, width: float, angle: float, top_m: float, rng: np.random.Generator,
        *, metal: bool = False,
    ) -> None:  # fmt: skip
        """A flat or ribbed metal roof with parapet, skylights, plant rooms or solar panels."""
        patch = self._canvas.patch(rectangle(centre, length, width, angle))
        if patch is None:
            return
        tint = self._palette.metal_roof(rng) if metal else self._palette.flat_roof(rng)
        along, across = patch.axes(centre, angle)
        border = np.minimum(length / 2 - np.abs(along), width / 2 - np.abs(across))
        stain = self._noise.fractal(402, 50, 3, patch.window) * np.float32(rng.uniform(0.02, 0.09))
        tone = 1 + stain
        height = np.full(tone.shape, top_m, np.float32)
        if metal:
            tone += np.sin(along * np.float32(2 * np.pi / rng.uniform(0.9, 1.6))) * np.float32(0.025)
            span = rng.uniform(14, 26)
            height += (span / 2 - np.abs(np.mod(across, np.float32(span)) - span / 2)) * np.float32(0.1)
        else:
            height += (border < 0.45) * np.float32(0.6)
            tone[border < 0.45] *= 1.1
        patch.paint(Material.ROOF_METAL if metal else Material.ROOF_FLAT, tone[..., None] * tint, height=height)
        step = rng.uniform(7, 12)
        light = (np.abs(np.mod(along, np.float32(step)) - step / 2) < 0.6) & (border > 2.5) & patch.mask
        light &= np.mod(np.abs(across), np.float32(9)) < 4.5
        draw = rng.random()
        if metal and draw < 0.45 and length > 16:
            patch.albedo[light] = np.clip(self._palette.vary((214, 222, 222, 190), rng, 0.04), 0, 255).astype(np.uint8)
        elif draw < 0.65 and length > 12:
            rows = patch.mask & (border > 1.8) & (np.mod(across, np.float32(2.4)) < 1.5)
            rows &= np.mod(along, np.float32(16)) < 14.5
            patch.albedo[rows] = np.array((44, 52, 78, 42), np.uint8)
        else:
            for _ in range(int(length * width / 130) + int(rng.integers(0, 3))):
                at = self._on(centre, length - 4, width - 4, angle, rng)
                self._box(at, rng.uniform(1, 3.2), rng.uniform(1, 2.4), angle, top_m + rng.uniform(0.6, 1.8), rng)

    def pool(self, centre: Points, length: float, width: float, angle: float, rng: np.random.Generator) -> None:
        """A swimming pool in its pale terrace: rectangle, oval or bean."""
        deck = Material.PAVING if rng.random() < 0.75 else Material.CONCRETE
        terrace = self._canvas.patch(
            rectangle(centre, length + rng.uniform(1.2, 4), width + rng.uniform(1.2, 4), angle)
        )
        basin = self._canvas.patch(rectangle(centre, length, width, angle))
        if terrace is None or basin is None:
            return
        terrace.paint(deck, np.minimum(self._palette.colour(deck, rng) * 1.1, 238), height=0.0)
        along, across = basin.axes(centre, angle)
        mask = basin.mask
        if rng.random() < 0.35:
            bean = np.float32(rng.uniform(0, 0.25)) * np.cos(along * np.float32(2.2 / length) * 3)
            mask = mask & ((2 * along / length) ** 2 + (2 * across / width + bean) ** 2 < 1)
        tint = self._palette.pool(rng)
        depth = 1 - 0.14 * np.clip(along / np.float32(length) + 0.5, 0, 1)
        basin.paint(Material.POOL, depth[..., None] * tint, where=mask, height=0.0)

    def car(self, centre: Points, angle: float, rng: np.random.Generator) -> None:
        """A parked or driving car; the class below it stays, as CoSIA maps the lasting cover."""
        patch = self._canvas.patch(
            rectangle(centre, rng.uniform(3.8, 4.7), rng.uniform(1.7, 1.9), angle), over_lines=True
        )
        if patch is None or not patch.mask.any():
            return
        below = patch.material[patch.mask]
        if not np.isin(CLASS_OF_MATERIAL[below], (2, 3)).all() or (patch.height[patch.mask] > 0.5).any():
            return
        along, _ = patch.axes(centre, angle)
        tint = self._palette.car(rng)
        glass = np.abs(np.abs(along - 0.2) - 1.05) < 0.3
        tone = np.where(glass, 0.4, np.where(np.abs(along) < 1.1, 1.08, 0.96))
        colour = np.clip(tone[..., None] * tint, 0, 255).astype(np.uint8)
        np.copyto(patch.albedo, colour, where=patch.mask[..., None])
        patch.height[patch.mask] = np.where(np.abs(along) < 1.2, 1.45, 0.9).astype(np.float32)[patch.mask]

    def _roof_objects(
        self, patch: Patch, centre: Points, length: float, width: float, angle: float, height: FloatImage,
        rng: np.random.Generator,
    ) -> None:  # fmt: skip
        """Chimneys, roof windows and solar panels."""
        top = float(height[patch.mask].max(initial=0))
        for _ in range(int(rng.integers(0, 3))):
            at = self._on(centre, length - 1.5, width - 1.5, angle, rng)
            self._box(at, rng.uniform(0.5, 1.0), rng.uniform(0.5, 0.8), angle, top + rng.uniform(0.2, 0.9), rng)
        along, across = patch.axes(centre, angle)
        if rng.random() < 0.12 and length > 7:
            side = rng.choice([-1, 1])
            panel = (np.abs(along) < length * rng.uniform(0.2, 0.4)) & (side * across > width * 0.08)
            panel &= (side * across < width * 0.4) & patch.mask
            patch.albedo[panel] = np.array((46, 52, 76, 44), np.uint8)
        elif rng.random() < 0.4:
            for _ in range(int(rng.integers(1, 4))):
                x, y = rng.uniform(-0.42, 0.42) * length, rng.uniform(-0.4, 0.4) * width
                window = (np.abs(along - x) < 0.4) & (np.abs(across - y) < 0.55) & patch.mask
                patch.albedo[window] = np.array((104, 116, 130, 84), np.uint8)

    def _box(
        self,
        centre: Points,
        length: float,
        width: float,
        angle: float,
        top_m: float,
        rng: np.random.Generator,
    ) -> None:
        patch = self._canvas.patch(rectangle(centre, length, width, angle))
        if patch is None:
            return
        roofs = np.isin(patch.material, (Material.ROOF_TILE, Material.ROOF_FLAT, Material.ROOF_METAL)) & patch.mask
        grey = self._palette.vary((176, 170, 164, 140), rng, 0.15)
        np.copyto(patch.albedo, np.clip(grey, 0, 255).astype(np.uint8), where=roofs[..., None])
        np.copyto(patch.height, np.float32(top_m), where=roofs)

    @staticmethod
    def _on(centre: Points, length: float, width: float, angle: float, rng: np.random.Generator) -> Points:
        x, y = rng.uniform(-0.5, 0.5) * max(length, 0.5), rng.uniform(-0.5, 0.5) * max(width, 0.5)
        turned = (x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle))
        return np.asarray(centre + np.array(turned), np.float64)
