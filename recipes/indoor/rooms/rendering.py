"""Off-screen rendering of a scene: colour, exact instance ids and depth."""

from __future__ import annotations

import importlib
import os

import mujoco
import numpy as np
from numpy.typing import NDArray

from recipes.indoor.rooms.camera import Camera
from recipes.indoor.rooms.scene import BACKGROUND, Scene

SAMPLES = 4  # of a pixel with smooth edges


def open_graphics(height: int, width: int) -> mujoco.GLContext:
    """Return a current off-screen context for frames of one size in pixels.

    The environment variable ``MUJOCO_GL`` names the library, ``egl`` unless it is set.
    """
    backend = importlib.import_module(f'mujoco.{os.environ.get("MUJOCO_GL") or "egl"}')
    context: mujoco.GLContext = backend.GLContext(width, height)
    context.make_current()
    return context


class SceneRenderer:
    """Renders one scene into the graphics context that is current and outlives the renderer.

    Args:
        scene: The scene, which is uploaded to the graphics side.
        height: Height of the frames in pixels.
        width: Width of the frames in pixels.
        is_smooth: Whether edges are smooth. Depth is exact only where they are not: smoothing
            takes it from a point beside the middle of the pixel.
    """

    def __init__(self, scene: Scene, height: int, width: int, is_smooth: bool = True) -> None:
        self.scene = scene
        scene.model.vis.quality.offsamples = SAMPLES if is_smooth else 0
        self.viewport = mujoco.MjrRect(0, 0, width, height)
        self.context = mujoco.MjrContext(scene.model, mujoco.mjtFontScale.mjFONTSCALE_100)
        self.context.readDepthMap = mujoco.mjtDepthMap.mjDEPTH_ZEROFAR  # exact far away
        self.geometry = mujoco.MjvScene(scene.model, maxgeom=scene.model.ngeom + 10)
        self.geometry.flags[mujoco.mjtRndFlag.mjRND_CULL_FACE] = False
        self.data = mujoco.MjData(scene.model)
        self.view = mujoco.MjvCamera()
        self.view.type = mujoco.mjtCamera.mjCAMERA_FIXED
        self.view.fixedcamid = 0

    def close(self) -> None:
        """Free the memory on the graphics side."""
        self.context.free()

    def look(self, camera: Camera) -> None:
        """Move the camera, and take over changes of lights and materials."""
        model = self.scene.model
        axes = camera.rotation * (1, -1, -1)  # MuJoCo looks along -z with y up
        mujoco.mju_mat2Quat(model.cam_quat[0], axes.ravel())
        model.cam_pos[0] = camera.position
        model.cam_fovy[0] = np.degrees(camera.fov_y)
        mujoco.mj_kinematics(model, self.data)
        mujoco.mj_camlight(model, self.data)
        mujoco.mjv_updateScene(
            model, self.data, mujoco.MjvOption(), None, self.view,
            mujoco.mjtCatBit.mjCAT_ALL, self.geometry,
        )  # fmt: skip

    def rgb(self) -> NDArray[np.uint8]:
        """Return the picture, shape (H, W, 3)."""
        self._render(is_segmentation=False)
        return self._read()

    def instances(self) -> NDArray[np.int32]:
        """Return the index of the placement seen at each pixel, or BACKGROUND, shape (H, W)."""
        self._render(is_segmentation=True)
        codes = self._read().astype(np.int32)
        ids = codes[..., 0] + 256 * codes[..., 1] + 65536 * codes[..., 2]
        lookup = np.full(self.geometry.ngeom + 1, BACKGROUND, np.int32)
        for geom in self.geometry.geoms[: self.geometry.ngeom]:
            if geom.objtype == mujoco.mjtObj.mjOBJ_GEOM and geom.segid >= 0:
                lookup[geom.segid + 1] = self.scene.instance_of_geom[geom.objid]
        return np.asarray(lookup[ids])

    def depth(self) -> NDArray[np.float32]:
        """Return the distance along the viewing axis in metres, shape (H, W)."""
        self._render(is_segmentation=False)
        return self.depth_of_last()

    def depth_of_last(self) -> NDArray[np.float32]:
        """Return the depth of the picture that was drawn last, in metres, shape (H, W)."""
        buffer = np.empty((self.viewport.height, self.viewport.width), np.float32)
        mujoco.mjr_readPixels(None, buffer, self.viewport, self.context)
        near, far = self.scene.model.vis.map.znear, self.scene.model.vis.map.zfar
        inverse = np.flipud(buffer).astype(np.float64) * (1 - near / far) + near / far
        return np.asarray(near / inverse, np.float32)

    def _render(self, is_segmentation: bool) -> None:
        """Draw into the off-screen buffer, as a picture or as codes of geometries."""
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self.context)
        self.geometry.flags[mujoco.mjtRndFlag.mjRND_SEGMENT] = is_segmentation
        self.geometry.flags[mujoco.mjtRndFlag.mjRND_IDCOLOR] = is_segmentation
        mujoco.mjr_render(self.viewport, self.geometry, self.context)

    def _read(self) -> NDArray[np.uint8]:
        """Return the colours of the off-screen buffer, top row first."""
        pixels = np.empty((self.viewport.height, self.viewport.width, 3), np.uint8)
        mujoco.mjr_readPixels(pixels, None, self.viewport, self.context)
        return np.flipud(pixels)
