"""features_ctypes.py MODEL.safetensors PICTURE: the largest feature of a picture, with nothing but Python."""
import ctypes
import sys

dcgan, images = ctypes.CDLL("libdcgan.so.0"), ctypes.CDLL("libdcgan_images.so.0")


class Image(ctypes.Structure):
    _fields_ = [("pixels", ctypes.c_void_p), ("size", ctypes.c_size_t), ("width", ctypes.c_int64),
                ("height", ctypes.c_int64), ("stride", ctypes.c_int64), ("format", ctypes.c_int32)]


dcgan.dcgan_last_error.restype = ctypes.c_char_p
dcgan.dcgan_extractor_feature_count.restype = ctypes.c_int64
images.dcgan_picture_image.restype = Image


def check(status):
    if status != 0:
        sys.exit("error: " + dcgan.dcgan_last_error().decode())


extractor, picture = ctypes.c_void_p(), ctypes.c_void_p()
check(dcgan.dcgan_extractor_open(sys.argv[1].encode(), None, ctypes.byref(extractor)))
check(images.dcgan_picture_read(sys.argv[2].encode(), ctypes.c_int64(0), ctypes.byref(picture)))
image = images.dcgan_picture_image(picture)
count = dcgan.dcgan_extractor_feature_count(extractor)
features = (ctypes.c_float * count)()
check(dcgan.dcgan_extract(extractor, ctypes.byref(image), ctypes.c_size_t(1), features, ctypes.c_size_t(count)))
print(f"{sys.argv[2]}\t{count}\t{max(features):.6g}")
