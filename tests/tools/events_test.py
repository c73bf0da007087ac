"""TensorBoard event files of dcgan-train, read without the code that wrote them; and by TensorBoard where it is there."""

import json
import struct
import unittest

from programs import NARROW, ProgramTest, write_image_folder
from protobuf import fields

CASTAGNOLI = 0x1EDC6F41


def crc32c(data):
    """Bit by bit from the unreflected polynomial: another way than the program's table."""
    crc = 0xFFFFFFFF
    for byte in data:
        for bit in range(8):
            top = (crc >> 31) ^ ((byte >> bit) & 1)
            crc = ((crc << 1) & 0xFFFFFFFF) ^ (CASTAGNOLI if top else 0)
    return int(f"{crc ^ 0xFFFFFFFF:032b}"[::-1], 2)


def masked(data):
    crc = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def records(path):
    data, at = path.read_bytes(), 0
    while at < len(data):
        (length,) = struct.unpack_from("<Q", data, at)
        assert struct.unpack_from("<I", data, at + 8)[0] == masked(data[at:at + 8]), "length's checksum"
        event = data[at + 12:at + 12 + length]
        assert struct.unpack_from("<I", data, at + 12 + length)[0] == masked(event), "event's checksum"
        yield event
        at += 16 + length


class Events(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        write_image_folder(cls.folder / "images", 12)
        cls.packed = cls.folder / "images.h5"
        test = cls()
        test.run_program("dcgan-prepare", "folder", cls.folder / "images", "-o", cls.packed, "--size", 32)

    def train(self, run, steps, *arguments):
        self.run_program("dcgan-train", "--data", self.packed, "--out", self.folder / run, "--steps", steps,
                         "--log-every", 1, "--sample-every", 2, *NARROW, *arguments)
        return sorted((self.folder / run).glob("events.out.tfevents.*"))

    def test_hold_every_scalar_of_the_metrics_and_the_sample_grids(self):
        (path,) = self.train("run", 4)
        events = [dict(fields(event)) for event in records(path)]
        self.assertEqual(events[0][3], b"brain.Event:2")
        scalars, pictures = {}, {}
        for event in events:
            if 5 not in event:
                continue
            value = dict(fields(dict(fields(event[5]))[1]))
            if 2 in value:
                scalars[event[2], value[1].decode()] = struct.unpack("<f", value[2])[0]
            else:
                pictures[event[2]] = dict(fields(value[4]))
        metrics = [json.loads(line) for line in (self.folder / "run/metrics.jsonl").read_text().splitlines()]
        expected = {(line["step"], name): value for line in metrics for name, value in line.items() if name != "step"}
        self.assertEqual(scalars.keys(), expected.keys())
        for key, value in expected.items():
            self.assertAlmostEqual(scalars[key] / value, 1, places=5)
        self.assertEqual(sorted(pictures), [2, 4])
        self.assertEqual(pictures[2][4], (self.folder / "run/samples/step-00000002.png").read_bytes())
        self.assertEqual((pictures[2][1], pictures[2][2]), (329, 329))  # 10 images of 32 pixels and 9 lines

    def test_of_a_resumed_run_begin_after_the_step_that_it_resumed_from(self):
        self.train("resumed", 2)
        _, second = self.train("resumed", 3, "--resume")
        start = [dict(fields(event)) for event in records(second)][1]
        self.assertEqual((start[2], dict(fields(start[7]))), (3, {1: 1}))

    def test_are_gone_when_the_run_is_overwritten(self):
        before = self.train("overwritten", 1)
        after = self.train("overwritten", 1, "--overwrite")
        self.assertEqual(len(after), 1)
        self.assertNotEqual(before, after)

    def test_are_read_by_tensorboard(self):
        self.train("board", 2)
        self.train("board", 4, "--resume")
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        board = EventAccumulator(str(self.folder / "board"), size_guidance={"scalars": 0, "images": 0})
        board.Reload()
        self.assertEqual([s.step for s in board.Scalars("discriminator_loss")], [1, 2, 3, 4])
        self.assertEqual([i.step for i in board.Images("samples")], [2, 4])


if __name__ == "__main__":
    unittest.main()
