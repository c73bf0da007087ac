"""tools/tensorflow-checkpoint against checkpoints that TensorFlow writes here; skipped where it is not installed."""
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
SOURCE = Path(__file__).resolve().parents[2]
try:
    import numpy as np
    import tensorflow as tf
    from safetensors.numpy import load_file
except ImportError:
    print("TensorFlow or safetensors is not installed")
    sys.exit(77)


class TensorFlowCheckpoint(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        random = np.random.default_rng(1)
        self.values = {
            "d_h0_conv/w": random.normal(size=(5, 5, 3, 2)), "d_h0_conv/biases": random.normal(size=2),
            "d_h1_conv/w": random.normal(size=(5, 5, 2, 4)), "d_h1_conv/biases": random.normal(size=4),
            "d_bn1/gamma": random.normal(size=4), "d_bn1/beta": random.normal(size=4),
            "d_bn1/moving_mean": random.normal(size=4), "d_bn1/moving_variance": random.uniform(0.5, 2, 4),
            "d_h3_lin/Matrix": random.normal(size=(4 * 4 * 4, 1)), "d_h3_lin/bias": random.normal(size=1)}

    def write(self):
        with tf.Graph().as_default():
            variables = [tf.compat.v1.get_variable(f"discriminator/{n}", initializer=v.astype(np.float32))
                         for n, v in self.values.items()]
            variables.append(tf.compat.v1.get_variable("generator/g_h0_lin/Matrix", initializer=np.ones((2, 3), np.float32)))
            variables.append(tf.compat.v1.get_variable("discriminator/d_h0_conv/w/Adam", initializer=np.ones(2, np.float32)))
            with tf.compat.v1.Session() as session:
                session.run(tf.compat.v1.variables_initializer(variables))
                tf.compat.v1.train.Saver(variables).save(session, str(self.folder / "model.ckpt"), global_step=7)

    def test_that_the_discriminator_is_written_in_the_order_of_its_layers_and_of_pytorchs_axes(self):
        self.write()
        output = self.folder / "d.safetensors"
        subprocess.run([sys.executable, SOURCE / "tools/tensorflow-checkpoint", self.folder, output], check=True,
                       capture_output=True)
        found = load_file(output)
        self.assertEqual(sorted({n.rsplit(".", 1)[0] for n in found}),
                         ["0.d_h0_conv", "1.d_h1_conv", "2.d_bn1", "3.d_h3_lin"])
        x = np.random.default_rng(2).normal(size=(1, 16, 16, 3)).astype(np.float32)
        theirs = x
        for i in (0, 1):
            theirs = tf.nn.conv2d(theirs, self.values[f"d_h{i}_conv/w"].astype(np.float32), 2, "SAME").numpy()
            theirs = theirs + self.values[f"d_h{i}_conv/biases"].astype(np.float32)
        logit = theirs.reshape(1, -1) @ self.values["d_h3_lin/Matrix"].astype(np.float32)
        ours = np.transpose(x, (0, 3, 1, 2))
        for i in (0, 1):  # by the definition, SAME: 1 before, 2 behind
            weight, bias = found[f"{i}.d_h{i}_conv.weight"], found[f"{i}.d_h{i}_conv.bias"]
            padded = np.pad(ours, ((0, 0), (0, 0), (1, 2), (1, 2)))
            side = ours.shape[2] // 2
            ours = np.stack([np.stack([np.einsum("ncyx,ocyx->no", padded[:, :, 2 * y:2 * y + 5, 2 * z:2 * z + 5], weight)
                                       for z in range(side)], -1) for y in range(side)], -2) + bias[None, :, None, None]
        np.testing.assert_allclose(np.transpose(ours, (0, 2, 3, 1)), theirs, rtol=0, atol=1e-4)
        np.testing.assert_allclose(ours.reshape(1, -1) @ found["3.d_h3_lin.weight"].T, logit, rtol=0, atol=1e-3)
        np.testing.assert_array_equal(found["2.d_bn1.running_var"], self.values["d_bn1/moving_variance"].astype(np.float32))

    def test_that_dcgan_convert_recognises_it(self):
        convert = Path(os.environ.get("DCGAN_BUILD", "")) / "tools/dcgan-convert"
        if not convert.exists():
            self.skipTest("no build")
        self.write()
        subprocess.run([sys.executable, SOURCE / "tools/tensorflow-checkpoint", self.folder / "model.ckpt-7",
                        self.folder / "d.safetensors"], check=True, capture_output=True)
        made = subprocess.run([convert, "state-dict", self.folder / "d.safetensors", "-o", self.folder / "m.safetensors",
                               "--json"], check=True, capture_output=True, text=True)
        facts = json.loads(made.stdout)
        self.assertEqual(facts["training"]["family"], "DCGAN-tensorflow")
        self.assertIn("conv 5 2 1+2 to 4 bias", facts["layers"])


if __name__ == "__main__":
    unittest.main()
