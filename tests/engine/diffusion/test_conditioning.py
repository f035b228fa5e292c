import torch

from understudy_engine.diffusion.conditioning import carry_over, layout, pack_mask, person_to_keep


def test_a_mask_frame_lies_beside_the_latent_that_holds_it():
    frames = 77
    keep = torch.arange(frames, dtype=torch.float32)[:, None, None].expand(frames, 2, 3)
    packed = pack_mask(keep)  # (4, L, h, w)
    assert packed.shape == (4, 20, 2, 3)
    assert packed[:, 0, 0, 0].tolist() == [0, 0, 0, 0]
    for latent in range(1, 20):
        assert packed[:, latent, 0, 0].tolist() == [
            4 * latent - 3,
            4 * latent - 2,
            4 * latent - 1,
            4 * latent,
        ]


def test_known_frames_of_the_segment_before_fill_exactly_their_rows():
    for overlap, whole_latents in ((1, 1), (5, 2)):
        known, keep = torch.zeros(3, 9, 16, 16), torch.zeros(9, 2, 2)
        known, keep = carry_over(known, keep, torch.ones(3, overlap, 16, 16))
        packed = pack_mask(keep)
        assert packed[:, :whole_latents].eq(1).all()
        assert packed[:, whole_latents:].eq(0).all()
        assert known[:, :overlap].eq(1).all()
        assert known[:, overlap:].eq(0).all()


def test_the_top_left_pixel_of_a_cell_decides():
    person = torch.zeros(1, 16, 16)
    person[0, 8, 0] = 1
    person[0, 7, 15] = 1  # not a top left pixel
    assert person_to_keep(person)[0].tolist() == [[1, 1], [0, 1]]


def test_the_reference_stands_first_and_is_known():
    reference, known = torch.full((16, 1, 2, 2), 7.0), torch.full((16, 2, 2, 2), 3.0)
    y = layout(reference, known, torch.zeros(5, 2, 2))
    assert y.shape == (20, 3, 2, 2)
    assert y[:4, 0].eq(1).all()
    assert y[4:, 0].eq(7).all()
    assert y[:4, 1:].eq(0).all()
    assert y[4:, 1:].eq(3).all()
