"""Small drawn portraits whose looks depend on age: the data of the demo and of the tests.

Nobody on these pictures exists. A face's age shows in many features at once (proportions, hair,
wrinkles, skin), each with its own noise, beside much that has nothing to do with age (skin tone,
hair style, clothes, light, position). Nothing here imports more than numpy and Pillow.
"""

from .demo_data_set import write_demo_faces
from .portrait import draw_face

__all__ = ["draw_face", "write_demo_faces"]
