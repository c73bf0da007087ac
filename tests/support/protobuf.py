"""Protocol Buffers on the wire, read without the code that writes them."""


def fields(data):
    """(number, value) of a message: whole numbers; 4 or 8 bytes, or as many as its length says, as bytes."""
    place = 0

    def varint():
        nonlocal place
        value = shift = 0
        while True:
            byte = data[place]
            place += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while place < len(data):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
            continue
        size = {1: 8, 5: 4}[key & 7] if key & 7 != 2 else varint()
        yield key >> 3, data[place:place + size]
        place += size
