"""Which of the 133 points make a body, and in which colours its skeleton is painted: tables alone.

They import nothing, so that training, which has no cv2, draws what `draw` draws.
"""

POINTS = 133
FACE = slice(23, 91)
LEFT_HAND = slice(91, 112)
RIGHT_HAND = slice(112, 133)

BODY = (  # body joint -> the two points it lies between (twice the same: the point itself)
    (0, 0),  # nose
    (5, 6),  # neck
    (6, 6), (8, 8), (10, 10),  # right shoulder, elbow, wrist
    (5, 5), (7, 7), (9, 9),  # left shoulder, elbow, wrist
    (12, 12), (14, 14), (16, 16),  # right hip, knee, ankle
    (11, 11), (13, 13), (15, 15),  # left hip, knee, ankle
    (2, 2), (1, 1), (4, 4), (3, 3),  # right and left eye, right and left ear
    (17, 18), (20, 21),  # left and right toe
)  # fmt: skip

MIN_SCORE = 0.5  # a point below it is not drawn, nor the limbs that end in it
FARTHEST_PX = 32768  # cv2 draws in fixed point and fails on points farther out

LIMBS = (  # pairs of body joints (see BODY)
    (1, 2), (1, 5),
    (2, 3), (3, 4),  # right arm
    (5, 6), (6, 7),  # left arm
    (1, 8), (8, 9), (9, 10),  # right leg
    (1, 11), (11, 12), (12, 13),  # left leg
    (1, 0), (0, 14), (14, 16), (0, 15), (15, 17),  # head
    (13, 18), (10, 19),  # feet
)  # fmt: skip

Colour = tuple[int, int, int]

COLOURS: tuple[Colour, ...] = (  # of limb i, and of joint i
    (255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0), (170, 255, 0), (85, 255, 0), (0, 255, 0),
    (0, 255, 85), (0, 255, 170), (0, 255, 255), (0, 170, 255), (0, 85, 255), (0, 0, 255), (85, 0, 255),
    (170, 0, 255), (255, 0, 255), (255, 0, 170), (255, 0, 85), (200, 200, 0), (100, 100, 0),
)  # fmt: skip

FINGER_BONES = tuple((0 if j == 0 else 4 * i + j, 4 * i + j + 1) for i in range(5) for j in range(4))
HAND_JOINT: Colour = (0, 0, 255)

# Pairs of the 133 points: arms, legs, shoulders, hips, sides, feet, head to shoulders, jaw, hands.
POINT_PAIRS = (
    (5, 7), (7, 9), (6, 8), (8, 10), (11, 13), (13, 15), (12, 14), (14, 16), (5, 6), (11, 12), (5, 11), (6, 12),
    (15, 17), (15, 19), (16, 20), (16, 22), (0, 5), (0, 6), (1, 2), (1, 3), (2, 4),
    (23, 27), (27, 31), (31, 35), (35, 39),
    (91, 95), (91, 99), (91, 103), (91, 107), (91, 111), (112, 116), (112, 120), (112, 124), (112, 128), (112, 132),
)  # fmt: skip
