#!/usr/bin/env python3
"""Reads sealed segments and key boxes.

Written from archiver/seal/FORMAT.md alone, without a look at the code that
writes them. It needs Python 3 and the cryptography package, and opens what is
sealed to classic (X25519) age recipients.

    reader.py --identity FILE --dictionary FILE [--box FILE]... [--segment FILE]... [--media FILE]...

The boxes, segments and media objects are those of a few blocks of one lane; the
segments of one block stand in the order of its entry. Prints JSON: the rows of
each box, and of each block its records by leaf position, with length and
SHA-256 of the media that were given.
"""
import argparse
import base64
import hashlib
import hmac
import json
import shutil
import struct
import subprocess
import sys

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand


class Damaged(Exception):
    """The bytes are not what FORMAT.md says."""


def need(ok, what):
    if not ok:
        raise Damaged(what)


def sha(*parts):
    h = hashlib.sha256()
    for p in parts:
        h.update(p)
    return h.digest()


# ---- age v1, https://age-encryption.org/v1 -----------------------------------

BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def bech32_data(text):
    text = text.lower()
    body = text[text.rindex("1") + 1:]
    bits = "".join(format(BECH32.index(c), "05b") for c in body[:-6])
    return bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits) // 8 * 8, 8))


def identities(path):
    keys = []
    for line in open(path, encoding="utf-8"):
        line = line.strip()
        if line.startswith("AGE-SECRET-KEY-1"):
            keys.append(X25519PrivateKey.from_private_bytes(bech32_data(line)))
    return keys


def b64(text):
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def hkdf(key, salt, info):
    return HKDF(hashes.SHA256(), 32, salt, info).derive(key)


def age_open(data, keys):
    end = data.index(b"\n---") + 4
    header, rest = data[:end], data[end:]
    lines = header.decode().split("\n")
    need(lines[0] == "age-encryption.org/v1", "not an age file")
    stanzas, i = [], 1
    while lines[i] != "---":
        need(lines[i].startswith("-> "), "age stanza")
        words, body, i = lines[i][3:].split(" "), "", i + 1
        while True:
            body += lines[i]
            i += 1
            if len(lines[i - 1]) < 64:
                break
        stanzas.append((words, b64(body)))
    file_key = None
    for key in keys:
        public = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        for words, body in stanzas:
            if words[0] != "X25519":
                continue
            share = b64(words[1])
            secret = key.exchange(X25519PublicKey.from_public_bytes(share))
            wrap = hkdf(secret, share + public, b"age-encryption.org/v1/X25519")
            try:
                file_key = ChaCha20Poly1305(wrap).decrypt(bytes(12), body, None)
            except InvalidTag:
                pass
    if file_key is None:
        raise Damaged("no identity opens it")
    mac, payload = rest[1:44], rest[45:]
    need(rest[0:1] == b" " and rest[44:45] == b"\n", "age header end")
    want = hmac.new(hkdf(file_key, b"", b"header"), header, hashlib.sha256).digest()
    need(hmac.compare_digest(want, b64(mac.decode())), "age header MAC")
    stream = ChaCha20Poly1305(hkdf(file_key, payload[:16], b"payload"))
    payload, out, n = payload[16:], [], 0
    while True:
        chunk, payload = payload[:65536 + 16], payload[65536 + 16:]
        last = not payload
        try:
            out.append(stream.decrypt(n.to_bytes(11, "big") + bytes([last]), chunk, None))
        except InvalidTag:
            raise Damaged("age chunk %d" % n)
        n += 1
        if last:
            return b"".join(out)


# ---- conventions -------------------------------------------------------------

class Cursor:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        need(self.at + n <= len(self.data), "ends early")
        self.at += n
        return self.data[self.at - n:self.at]

    def unpack(self, form):
        return struct.unpack(">" + form, self.take(struct.calcsize(">" + form)))[0]

    def u8(self):
        return self.take(1)[0]

    def uvarint(self):
        value = shift = 0
        for i in range(10):
            c = self.u8()
            value |= (c & 0x7F) << shift
            shift += 7
            if c < 0x80:
                need(i == 0 or c != 0, "number not in its shortest form")
                need(value < 1 << 64, "number too large")
                return value
        raise Damaged("number too long")

    def svarint(self):
        u = self.uvarint()
        return u >> 1 if u & 1 == 0 else -(u >> 1) - 1

    def bytes(self):
        return self.take(self.uvarint())

    def short(self):
        return self.take(self.u8()).decode()

    def end(self):
        need(self.at == len(self.data), "bytes too many")


def leaf_hash(data):
    return sha(b"\x00", data)


def root(leaves):
    """RFC 6962 section 2.1"""
    if not leaves:
        return sha(b"")
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha(b"\x01", root(leaves[:k]), root(leaves[k:]))


# ---- key boxes ---------------------------------------------------------------

class Row:
    def __init__(self, row_id, kind, tag, key, retention):
        self.id, self.kind, self.tag, self.key, self.retention = row_id, kind, tag, key, retention
        self.enc = HKDFExpand(hashes.SHA256(), 32, b"waxseal cell key v1").derive(key)
        self.salt = HKDFExpand(hashes.SHA256(), 32, b"waxseal salt key v1").derive(key)

    def media(self, header):
        return AESGCM(HKDFExpand(hashes.SHA256(), 32, b"waxseal media key v1" + sha(header)).derive(self.key))


def read_box(data, keys):
    """Gives what the box says in the clear, and its rows by id."""
    c = Cursor(data)
    need(c.take(8) == b"waxbox\x00\x01", "box magic")
    n = c.unpack("I")
    need(1 <= n <= 1 << 24, "row count")
    row_hashes = [c.take(32) for _ in range(n)]
    bits = c.take((n + 7) // 8)
    removed = [bool(bits[i // 8] >> (i % 8) & 1) for i in range(n)]
    need(n % 8 == 0 or bits[-1] >> (n % 8) == 0, "padding bits")
    p = Cursor(age_open(data[c.at:], keys))
    need(p.take(8) == b"waxrow\x00\x01", "rows magic")
    origin, block, first, duty, retain = p.take(32), p.unpack("Q"), p.unpack("I"), p.unpack("q"), p.unpack("q")
    lane, klass = p.short(), p.short()
    rows = {}
    for i in range(n):
        if removed[i]:
            continue
        kind, tag, key = p.u8(), p.take(16), p.take(32)
        row_id = block << 24 | (first + i)
        encoded = (b"waxrow\x00\x01" + origin + bytes([len(lane.encode())]) + lane.encode() + bytes([len(klass.encode())]) + klass.encode()
                   + struct.pack(">qqQB", duty, retain, row_id, kind) + tag + key)
        need(leaf_hash(encoded) == row_hashes[i], "row %d differs from its hash" % i)
        rows[row_id] = Row(row_id, kind, tag, key, (klass, duty, retain))
    p.end()
    clear = {"block": block, "first": first, "lane": lane, "class": klass, "rows_root": root(row_hashes).hex(), "rows": n,
             "removed": [i for i in range(n) if removed[i]], "tags": {str(r.id): r.tag.hex() for r in rows.values()}}
    return clear, rows


# ---- compression -------------------------------------------------------------

def s2_block(block, content, repeat):
    c = Cursor(block)
    size, out = c.uvarint(), bytearray()
    offset = len(content) - repeat

    def little(n):
        return int.from_bytes(c.take(n), "little")

    while c.at < len(block):
        tag = c.u8()
        kind = tag & 3
        if kind == 0:
            m = tag >> 2
            out += c.take(m + 1 if m < 60 else 1 + little(m - 59))
            need(len(out) <= size, "literal too long")
            continue
        if kind == 1:
            new, length = (tag & 0xE0) << 3 | c.u8(), tag >> 2 & 7
            if new:
                offset, length = new, length + 4
            elif length < 5:
                length += 4
            else:
                length = {5: 8, 6: 260, 7: 65540}[length] + little(length - 4)
        else:
            length = 1 + (tag >> 2)
            offset = little(2 if kind == 2 else 4)
        need(offset > 0, "offset 0")
        need(len(out) + length <= size, "copy too long")
        d = len(out)
        if offset > d:
            need(d <= 65535, "dictionary after 65,535")
            start = len(content) - offset + d
            need(start >= 0 and start + length <= len(content), "copy outside the dictionary")
            out += content[start:start + length]
        else:
            for i in range(length):
                out.append(out[d - offset + i])
    need(len(out) == size, "length not reached")
    return bytes(out)


def unzstd(data):
    try:
        from compression import zstd  # Python 3.14
        return zstd.decompress(data)
    except ImportError:
        need(shutil.which("zstd"), "method 2 needs Python 3.14 or the zstd program")
        return subprocess.run(["zstd", "-d", "-c", "-q"], input=data, stdout=subprocess.PIPE, check=True).stdout


class Dictionary:
    def __init__(self, data):
        self.hash = sha(data)
        c = Cursor(data)
        self.repeat = c.uvarint()
        self.content = data[c.at:]

    def decompress(self, method, data, size):
        need(size <= 1 << 28 and size <= 256 * len(data) + 65536, "plaintext beyond the bound")
        if method == 0:
            out = data
        elif method == 1:
            out = s2_block(data, self.content, self.repeat)
        elif method == 2:
            out = unzstd(data)
        else:
            raise Damaged("method %d" % method)
        need(len(out) == size, "plaintext length")
        return out


# ---- segments ----------------------------------------------------------------

def read_header(c):
    need(c.take(8) == b"waxseg\x00\x01", "segment magic")
    h = {"origin": c.take(32), "dictionary": c.take(32), "block": c.unpack("Q"), "segment": c.unpack("I"),
         "duty": c.unpack("q"), "retain": c.unpack("q")}
    h["lane"], h["class"] = c.short(), c.short()
    return h


def read_leaf(c, sources):
    source = sources[c.uvarint()]
    return {"topic": source[0], "era": source[1], "partition": source[2], "offset": c.uvarint(), "epoch": c.svarint(), "time": c.svarint()}


def read_directory(data, start, end):
    c = Cursor(data)
    sources = [(c.bytes(), c.uvarint(), c.uvarint()) for _ in range(c.uvarint())]
    rules = [c.bytes() for _ in range(c.uvarint())]
    cells, row = [], 0
    for _ in range(c.uvarint()):
        length = c.uvarint()
        row = (row + c.svarint()) % (1 << 64)
        plain, parts = c.uvarint(), c.uvarint()
        positions, at = [], 0
        for _ in range(parts):
            at += c.uvarint()
            positions.append(at)
        cells.append({"offset": start, "length": length, "row": row, "plain": plain, "positions": positions})
        start += length
    need(start == end, "cells do not end at the directory")
    shared, at = {}, 0
    for _ in range(c.uvarint()):
        at += c.uvarint()
        record, rows, row = read_leaf(c, sources), [], 0
        for _ in range(c.uvarint()):
            row = (row + c.svarint()) % (1 << 64)
            rows.append((row, c.uvarint(), c.uvarint()))
        record["pieces"], seen = {}, {}
        for _ in range(c.uvarint()):
            kind = c.u8()
            index = seen.get(kind, 0)
            seen[kind] = index + 1
            record["pieces"][kind, index] = {"row": rows[c.uvarint()][0], "first": c.uvarint(), "items": c.uvarint(), "length": c.uvarint(),
                                             "commitment": c.take(32)}
        shared[at] = record
    c.end()
    return sources, rules, cells, shared


def read_cell(data, sources, rules, positions):
    c, at, parts = Cursor(data), 0, []
    for want in positions:
        at += c.uvarint()
        need(at == want, "position")
        part = read_leaf(c, sources)
        flags = c.u8()
        need(flags & ~1 == 0, "flags")
        part["position"], part["shared"], part["pieces"] = at, bool(flags & 1), {}
        for _ in range(c.uvarint()):
            kind, index, first, items = c.u8(), c.uvarint(), c.uvarint(), c.uvarint()
            piece = {"first": first, "items": items}
            if kind == 2:
                committed, piece["rulings"] = b"", []
                for _ in range(c.uvarint()):
                    item, rule, saw = c.uvarint(), rules[c.uvarint()], c.bytes()
                    committed += uvarint(item) + sha(rule) + uvarint(len(saw)) + saw
                    piece["rulings"].append({"item": item, "rule": rule.decode(), "saw": saw.decode()})
                piece["bytes"] = committed
            elif kind == 4:
                piece["media"], piece["length"], piece["sha256"], piece["commitment"] = c.uvarint(), c.uvarint(), c.take(32), c.take(32)
                need(index == 0 and not part["shared"] and 0 < piece["length"] <= 1 << 40, "media piece")
                need(all(k in (1, 2) for k, _ in part["pieces"]), "pieces beside media")
            else:
                piece["bytes"] = c.bytes()
            part["pieces"][kind, index] = piece
        parts.append(part)
    c.end()
    return parts


def uvarint(n):
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def read_segment(data, keys, rows, dictionary):
    """Gives the header, the parts that could be opened with their rows, and the shared records."""
    plain = age_open(data, keys)
    c = Cursor(plain)
    h = read_header(c)
    need(h["dictionary"] == dictionary.hash, "another dictionary")
    header, start = plain[:c.at], c.at
    t = Cursor(plain[-72:])
    offset, length, size, method = t.unpack("Q"), t.unpack("Q"), t.unpack("Q"), t.u8()
    need(t.take(7) == bytes(7), "trailer padding")
    digest = t.take(32)
    need(t.take(8) == b"waxend\x00\x01", "trailer magic")
    need(offset + length + 72 == len(plain), "directory place")
    stored = plain[offset:offset + length]
    need(sha(stored) == digest, "directory hash")
    sources, rules, cells, shared = read_directory(dictionary.decompress(method, stored, size), start, offset)
    parts, gone = [], []
    for n, cell in enumerate(cells):
        row = rows.get(cell["row"])
        if row is None:
            gone += cell["positions"]
            continue
        need(row.retention == (h["class"], h["duty"], h["retain"]), "row of another class")
        frame = plain[cell["offset"]:cell["offset"] + cell["length"]]
        aad = b"waxcell\x01" + sha(header) + struct.pack(">IQB", n, cell["row"], frame[0])
        try:
            packed = AESGCM(row.enc).decrypt(frame[1:13], frame[13:], aad)
        except InvalidTag:
            raise Damaged("cell %d" % n)
        content = dictionary.decompress(frame[0], packed, cell["plain"])
        parts += [(part, row) for part in read_cell(content, sources, rules, cell["positions"])]
    return h, parts, shared, gone


# ---- media -------------------------------------------------------------------

def read_media(data, keys, blocks):
    """Holds a media object to the piece that names it, and notes there what it is."""
    plain = age_open(data, keys)
    c = Cursor(plain)
    need(c.take(8) == b"waxmed\x00\x01", "media magic")
    c.take(32 + 16)
    block, index, row_id, duty, retain, length = c.unpack("Q"), c.unpack("I"), c.unpack("Q"), c.unpack("q"), c.unpack("q"), c.unpack("Q")
    era, partition, offset, topic = c.unpack("I"), c.unpack("I"), c.unpack("Q"), c.take(c.u8())
    lane, klass = c.short(), c.short()
    header = plain[:c.at]
    for part, row in (found for parts in blocks.get(block, {"found": {}})["found"].values() for found in parts):
        piece = part["pieces"].get((4, 0))
        if piece is None or piece["media"] != index:
            continue
        need((part["topic"], part["era"], part["partition"], part["offset"]) == (topic, era, partition, offset), "media of another record")
        need((row.id, row.retention, piece["length"]) == (row_id, (klass, duty, retain), length), "media of another row")
        key, value, n = row.media(header), b"", 0
        while len(value) < length:
            size = min(65536, length - len(value))
            try:
                value += key.decrypt(n.to_bytes(11, "big") + bytes([len(value) + size == length]), c.take(size + 16), None)
            except InvalidTag:
                raise Damaged("media chunk %d" % n)
            n += 1
        c.end()
        need(commitment(row, part, 4, 0, value) == piece["commitment"] and sha(value) == piece["sha256"], "media is not what was committed to")
        piece["read"] = {"length": length, "sha256": sha(value).hex(), "lane": lane}
        return
    need(row_id not in {row.id for b in blocks.values() for parts in b["found"].values() for _, row in parts}, "media of no record")


# ---- records -----------------------------------------------------------------

def commitment(row, leaf, kind, index, data):
    message = struct.pack(">IIQBI", leaf["era"], leaf["partition"], leaf["offset"], kind, index) + leaf["topic"]
    return sha(hmac.new(row.salt, message, hashlib.sha256).digest(), data)


def leaf_of(leaf, commitments):
    tree = root([leaf_hash(struct.pack(">BI", *name) + commitments[name]) for name in sorted(commitments)])
    topic = leaf["topic"]
    return leaf_hash(b"\x01" + struct.pack(">H", len(topic)) + topic
                     + struct.pack(">IIQiq", leaf["era"], leaf["partition"], leaf["offset"], leaf["epoch"], leaf["time"]) + tree)


def key_headers(data):
    c = Cursor(data)
    flags = c.u8()
    need(flags & ~3 == 0, "flags of key and headers")
    key = c.bytes().hex() if flags & 1 else None
    headers = []
    for _ in range(c.uvarint()):
        name, tag = c.bytes(), c.u8()
        if tag == 0:
            value = None
        elif tag == 1:
            value = c.bytes().hex()
        elif tag == 2:
            value = (b"sha256=" + c.take(32).hex().encode()).hex()
        else:
            raise Damaged("header value tag")
        headers.append([name.hex(), value])
    c.end()
    return key, headers, bool(flags & 2)


def record(position, found, shared):
    """Puts one record together; holes are null in the list of value pieces."""
    pieces, commitments, leaf = {}, {}, None
    for part, row in found:
        leaf = part
        for (kind, index), piece in part["pieces"].items():
            pieces[kind, index] = piece.get("bytes"), piece
            commitments[kind, index] = piece["commitment"] if kind == 4 else commitment(row, part, kind, index, piece["bytes"])
    if shared is not None:
        leaf = shared
        for name, c in commitments.items():
            need(shared["pieces"][name]["commitment"] == c, "commitment of a shared record")
        commitments = {name: p["commitment"] for name, p in shared["pieces"].items()}
    if leaf is None:
        return {"position": position, "gone": True}
    out = {"position": position, "leaf": leaf_of(leaf, commitments).hex(), "name": "%s~%d/%d/%d" % (
        leaf["topic"].decode(), leaf["era"], leaf["partition"], leaf["offset"]), "epoch": leaf["epoch"], "time": leaf["time"],
        "value": [], "erased": sorted(list(name) for name in commitments if name not in pieces), "rulings": [], "bodies": []}
    for name in sorted(commitments):
        data, piece = pieces.get(name, (None, None))
        if name[0] == 0:
            out["value"].append(None if data is None else data.hex())
        elif name[0] == 4:
            out["media"] = piece.get("read")
        elif data is None:
            continue
        elif name[0] == 1:
            out["key"], out["headers"], out["null"] = key_headers(data)
        elif name[0] == 2:
            out["rulings"] += piece["rulings"]
        elif name[0] == 3:
            out["bodies"].append(data.hex())
    return out


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--identity", action="append", required=True)
    a.add_argument("--dictionary", required=True)
    a.add_argument("--box", action="append", default=[])
    a.add_argument("--segment", action="append", default=[])
    a.add_argument("--media", action="append", default=[])
    args = a.parse_args()
    keys = [k for path in args.identity for k in identities(path)]
    dictionary = Dictionary(open(args.dictionary, "rb").read())
    rows, boxes, blocks = {}, [], {}
    for path in args.box:
        clear, found = read_box(open(path, "rb").read(), keys)
        boxes.append(clear)
        rows.update(found)
    for path in args.segment:
        h, parts, shared, gone = read_segment(open(path, "rb").read(), keys, rows, dictionary)
        b = blocks.setdefault(h["block"], {"found": {}, "shared": {}, "positions": set()})
        for part, row in parts:
            b["found"].setdefault(part["position"], []).append((part, row))
        b["shared"].update(shared)
        b["positions"].update(gone, shared, (part["position"] for part, _ in parts))
    for path in args.media:
        read_media(open(path, "rb").read(), keys, blocks)
    out = {"boxes": boxes, "blocks": {str(n): [record(p, b["found"].get(p, []), b["shared"].get(p)) for p in sorted(b["positions"])]
                                      for n, b in sorted(blocks.items())}}
    json.dump(out, sys.stdout)


if __name__ == "__main__":
    try:
        main()
    except Damaged as e:
        print("reader.py: damaged:", e, file=sys.stderr)
        sys.exit(3)
