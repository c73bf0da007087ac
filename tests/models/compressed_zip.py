"""Writes a compressed archive. usage: compressed_zip.py FILE"""
import sys
import zipfile

with zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED) as archive:
    archive.writestr("x/data.pkl", "}." * 100)
