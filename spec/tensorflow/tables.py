"""Bundles by hand, for what TensorFlow reads but no longer writes: other byte order, snappy, odd headers, alignment.
Also a reader of indexes that TensorFlow wrote, for tests that look at entries."""
import os
import struct
from pathlib import Path

from tensorflow.core.protobuf import tensor_bundle_pb2

MAGIC = bytes.fromhex("57fb808b247547db")
FOOTER = 48


# ---- Checksums, integers

def _table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


_CRC = _table()


def crc32c(data, crc=0):
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF


def mask(crc):
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes(out) + bytes([number])


def get_varint(data, at):
    number = shift = 0
    while True:
        number |= (data[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 128:
            return number, at


# ---- Snappy: literals, and copies of what came up to 2 KB before

def snappy(data):
    out, start, at = bytearray(varint(len(data))), 0, 0

    def literal(end):
        for begin in range(start, end, 60):
            piece = data[begin:min(begin + 60, end)]
            out.append(len(piece) - 1 << 2)
            out.extend(piece)

    while at < len(data):
        found = data.rfind(data[at:at + 4], max(0, at - 2000), at) if at + 4 <= len(data) else -1
        if found < 0:
            at += 1
            continue
        length = 4
        while length < 64 and at + length < len(data) and data[found + length] == data[at + length]:
            length += 1
        literal(at)
        out.append(length - 1 << 2 | 2)
        out += struct.pack("<H", at - found)
        at = start = at + length
    literal(len(data))
    return bytes(out)


# ---- Tables

def block(pairs, interval=16):
    out, restarts, last = bytearray(), [], b""
    for i, (key, value) in enumerate(pairs):
        shared = 0
        if i % interval == 0:
            restarts.append(len(out))
        else:
            while shared < min(len(key), len(last)) and key[shared] == last[shared]:
                shared += 1
        out += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        last = key
    restarts = restarts or [0]
    return bytes(out) + struct.pack(f"<{len(restarts) + 1}I", *restarts, len(restarts))


def table(pairs, per_block=1000, compress=False):
    """A table of sorted pairs, so many in each block."""
    out, index = bytearray(), []

    def put(content, compress=False):
        content, kind = (snappy(content), b"\1") if compress else (content, b"\0")
        handle = varint(len(out)) + varint(len(content))
        out.extend(content + kind + struct.pack("<I", mask(crc32c(content + kind))))
        return handle

    for first in range(0, len(pairs), per_block):
        some = pairs[first:first + per_block]
        index.append((some[-1][0], put(block(some), compress)))
    handles = put(block([])) + put(block(index, 1))
    return bytes(out) + handles.ljust(FOOTER - len(MAGIC), b"\0") + MAGIC


# ---- Bundles

def header(shards=1, endianness=0, producer=1, **version):
    proto = tensor_bundle_pb2.BundleHeaderProto(num_shards=shards, endianness=endianness)
    proto.version.producer = producer
    for field, value in version.items():
        if isinstance(value, list):
            getattr(proto.version, field).extend(value)
        else:
            setattr(proto.version, field, value)
    return proto


def entry(dtype, shape, offset, content, crc=None, **fields):
    proto = tensor_bundle_pb2.BundleEntryProto(dtype=dtype, offset=offset, size=len(content),
                                               crc32c=mask(crc32c(content) if crc is None else crc), **fields)
    proto.shape.SetInParent()
    for size in shape:
        proto.shape.dim.add().size = size
    return proto


def bundle(prefix, tensors, head=None, alignment=1, **options):
    """tensors: name -> (dtype number, shape, content) or (dtype number, shape, content, crc), laid out in this order."""
    data, pairs = bytearray(), [(b"", (head or header()).SerializeToString())]
    for name, (dtype, shape, content, *crc) in tensors.items():
        pairs.append((name.encode(), entry(dtype, shape, len(data), content, *crc).SerializeToString()))
        data += content + bytes(-(len(data) + len(content)) % alignment)
    os.makedirs(os.path.dirname(prefix), exist_ok=True)
    Path(f"{prefix}.index").write_bytes(table(sorted(pairs), **options))
    Path(f"{prefix}.data-00000-of-00001").write_bytes(data)
    return prefix


def stored_strings(texts, order="<"):
    """A string tensor's bytes and their crc."""
    lengths = b"".join(struct.pack(f"{order}I", len(text)) for text in texts)
    check = struct.pack(f"{order}I", mask(crc32c(lengths)))
    joined = b"".join(texts)
    return b"".join(varint(len(text)) for text in texts) + check + joined, crc32c(joined, crc32c(check, crc32c(lengths)))


# ---- Reading

def block_handles(data):
    """(offset, size) of every data block."""
    _, at = get_varint(data, len(data) - FOOTER)
    _, at = get_varint(data, at)
    offset, at = get_varint(data, at)
    size, _ = get_varint(data, at)
    handles = []
    for _, value in block_pairs(data[offset:offset + size]):
        begin, at = get_varint(value, 0)
        handles.append((begin, get_varint(value, at)[0]))
    return handles


def block_pairs(content):
    end = len(content) - 4 - 4 * struct.unpack("<I", content[-4:])[0]
    at, key = 0, b""
    while at < end:
        shared, at = get_varint(content, at)
        unshared, at = get_varint(content, at)
        length, at = get_varint(content, at)
        key = key[:shared] + content[at:at + unshared]
        yield key, content[at + unshared:at + unshared + length]
        at += unshared + length


def read_index(prefix):
    """The header, and key -> entry."""
    data = Path(f"{prefix}.index").read_bytes()
    pairs = [pair for offset, size in block_handles(data) for pair in block_pairs(data[offset:offset + size])]
    entries = {key: tensor_bundle_pb2.BundleEntryProto.FromString(value) for key, value in pairs[1:]}
    return tensor_bundle_pb2.BundleHeaderProto.FromString(pairs[0][1]), entries
