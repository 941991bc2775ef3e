"""Small drawn portraits that look their age: the data of the demo and of the tests.

The people do not exist. Age changes many features of a face at once (proportions, hair, wrinkles,
skin), each with its own noise. Many other features do not depend on age (skin tone, hair style,
clothes, light, position). This package imports only numpy and Pillow.
"""

from .demo_data_set import write_demo_faces
from .portrait import draw_face

__all__ = ["draw_face", "write_demo_faces"]
