#!/usr/bin/env python3
"""A second reader of sealed objects, written from archiver/seal/FORMAT.md alone.

Its author has seen no Go code of this project and no other reader: only that page, what it refers
to in ledger/FORMAT.md, and the age v1 specification. So it tells whether the page is enough. Where
the page leaves something open, a comment says what was taken.

    stranger.py [--dictionary FILE]... [--origin TEXT] FILE.json

FILE.json has identities, ledger entries, objects by store, the boxes that replaced others and,
optionally, the records to expect: the shape of golden-v1.json beside this file. The records go to
standard output as JSON, bytes in base64, hashes in hex. `value` is what is left of the value;
`holes` tells where the rest lay, [offset, length] in the whole. Status 0: everything held; 1: not,
with the reason on standard error; 2: wrong usage.

Not supported, and refused by name: post-quantum age recipients and Zstandard cells (method 2).
Needs `cryptography`.
"""

import argparse
import base64
import datetime
import hashlib
import hmac
import json
import pathlib
import re
import sys
from collections import namedtuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

VALUE, KEY_AND_HEADERS, DECISIONS, BODY = range(4)


class FormatError(Exception):
    """The object is not what the format page says."""


class Unsupported(Exception):
    """The page allows it, this reader does not."""


def check(ok, message):
    if not ok:
        raise FormatError(message)


# --- conventions ----------------------------------------------------------------------------------


class Reader:
    """Takes numbers and bytes from the front of a byte string."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def left(self):
        return len(self.data) - self.at

    def take(self, n):
        check(n <= self.left(), f"truncated: {n} bytes wanted, {self.left()} left")
        self.at += n
        return self.data[self.at - n:self.at]

    def end(self):
        check(not self.left(), f"{self.left()} bytes behind the end")

    def fixed(self, n, signed=False):
        return int.from_bytes(self.take(n), "big", signed=signed)

    def u8(self):
        return self.fixed(1)

    def uvarint(self):
        n = 0
        for i in range(10):
            b = self.u8()
            n |= (b & 0x7F) << (7 * i)
            if b < 0x80:
                check(b or i == 0, "uvarint is not the shortest")
                check(n < 1 << 64, "uvarint beyond 64 bits")
                return n
        raise FormatError("uvarint of more than 10 bytes")

    def svarint(self):
        u = self.uvarint()
        return (u >> 1) ^ -(u & 1)

    def bytes(self):
        return self.take(self.uvarint())

    def short_text(self):
        return self.take(self.u8()).decode()

    def count(self, least=1):
        """A number of things that take at least so many bytes each: never more than there can be."""
        n = self.uvarint()
        check(n * least <= self.left(), "a count beyond the data")
        return n


def u(n, size):
    return n.to_bytes(size, "big", signed=n < 0)


def put_uvarint(n):
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    return bytes(out) + bytes([n])


def sha256(data):
    return hashlib.sha256(data).digest()


def leaf_hash(data):
    return sha256(b"\x00" + data)


def root(hashes):
    """The RFC 6962 tree head."""
    if len(hashes) < 2:
        return hashes[0] if hashes else sha256(b"")
    k = 1 << (len(hashes) - 1).bit_length() - 1
    return sha256(b"\x01" + root(hashes[:k]) + root(hashes[k:]))


def hkdf(key, salt, info):
    return HKDF(SHA256(), 32, salt, info).derive(key)


# --- age v1, X25519 -------------------------------------------------------------------------------


def parse_identity(text):
    """Bech32 (BIP 173) with the prefix AGE-SECRET-KEY-."""
    check(text == text.upper() or text == text.lower(), "identity in mixed case")
    hrp, _, data = text.lower().rpartition("1")
    check(hrp == "age-secret-key-", "not an X25519 identity")
    values = ["qpzry9x8gf2tvdw0s3jn54khce6mua7l".index(c) for c in data]
    polymod = 1
    for v in [ord(c) >> 5 for c in hrp] + [0] + [ord(c) & 31 for c in hrp] + values:
        top, polymod = polymod >> 25, (polymod & 0x1FFFFFF) << 5 ^ v
        for i, g in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            polymod ^= g if top >> i & 1 else 0
    check(polymod == 1, "identity: wrong checksum")
    bits = 0
    for v in values[:-6]:
        bits = bits << 5 | v
    spare = 5 * len(values[:-6]) - 256
    check(0 <= spare < 5 and bits & ((1 << spare) - 1) == 0, "identity: wrong length or padding")
    return X25519PrivateKey.from_private_bytes(u(bits >> spare, 32))


def unbase64(text):
    """Base64 without padding, in its one form."""
    data = base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    check(base64.b64encode(data).rstrip(b"=") == text, "age: base64 is not canonical")
    return data


def age_line(r):
    end = r.data.find(b"\n", r.at)
    check(end >= 0, "age: header without end")
    return r.take(end + 1 - r.at)[:-1]


def age_open(data, identities):
    """Decrypts a binary age file with the first identity that fits."""
    r, stanzas = Reader(data), []
    check(age_line(r) == b"age-encryption.org/v1", "age: not a version 1 file")
    while (line := age_line(r)).startswith(b"-> "):
        args, body = line[3:].split(b" "), b""
        while True:
            line = age_line(r)
            check(len(line) <= 64, "age: line too long")
            body += line
            if len(line) < 64:
                break
        stanzas.append((args, unbase64(body)))
    check(line.startswith(b"--- "), "age: no MAC")
    header, mac = data[:r.at - 1 - len(line) + 3], unbase64(line[4:])
    kinds = {args[0] for args, _ in stanzas}
    check(len(kinds) == 1, f"age: recipients of {len(kinds)} kinds")
    if kinds != {b"X25519"}:
        raise Unsupported(f"age: recipients of kind {kinds.pop().decode(errors='replace')}")
    file_key = age_unwrap(stanzas, identities)
    key = hkdf(file_key, b"", b"header")
    check(hmac.compare_digest(hmac.digest(key, header, "sha256"), mac), "age: wrong header MAC")
    aead = ChaCha20Poly1305(hkdf(file_key, r.take(16), b"payload"))
    payload, out, chunk = r.take(r.left()), b"", (1 << 16) + 16
    for i in range(0, max(len(payload), 1), chunk):
        last = i + chunk >= len(payload)
        nonce = u(i // chunk, 11) + bytes([last])
        plain = aead.decrypt(nonce, payload[i:i + chunk], None)
        check(plain or i == 0, "age: empty last chunk")
        out += plain
    return out


def age_unwrap(stanzas, identities):
    for args, body in stanzas:
        check(len(args) == 2 and len(body) == 32, "age: malformed X25519 stanza")
        share = unbase64(args[1])
        check(len(share) == 32, "age: malformed X25519 share")
        for identity in identities:
            secret = identity.exchange(X25519PublicKey.from_public_bytes(share))
            salt = share + identity.public_key().public_bytes_raw()
            wrap = ChaCha20Poly1305(hkdf(secret, salt, b"age-encryption.org/v1/X25519"))
            try:
                return wrap.decrypt(bytes(12), body, None)
            except InvalidTag:
                pass
    raise FormatError("age: no identity fits")


# --- compression ----------------------------------------------------------------------------------


class Dictionary:
    def __init__(self, file):
        r = Reader(file)
        self.hash, self.repeat = sha256(file), r.uvarint()
        self.content = r.take(r.left())
        check(16 <= len(self.content) <= 1 << 16, "dictionary: wrong length")
        check(self.repeat <= len(self.content), "dictionary: repeat beyond its content")


def s2_decode(block, dictionary, length):
    r, out, dic = Reader(block), bytearray(), dictionary.content
    check(r.uvarint() == length, "s2: another length than the directory's")
    offset = len(dic) - dictionary.repeat

    def little(n):
        return int.from_bytes(r.take(n), "little")

    while r.left():
        tag = r.u8()
        kind, m = tag & 3, tag >> 2
        if kind == 0:
            out += r.take(1 + (m if m < 60 else little(m - 59)))
            check(len(out) <= length, "s2: too long")
            continue
        if kind == 1:
            to, n = (tag & 0xE0) << 3 | r.u8(), m & 7
            if to:
                offset, n = to, n + 4
            else:
                n = (n + 4 if n < 5 else 8 + little(1) if n == 5 else 260 + little(2) if n == 6 else 65540 + little(3))
        else:  # the page does not say it, but this offset too is the one a repeat takes
            n, offset = 1 + m, little(2 if kind == 2 else 4)
        d = len(out)
        check(offset > 0, "s2: offset 0")
        check(d + n <= length, "s2: too long")
        if offset > d:
            start = len(dic) - offset + d
            check(0 <= start and start + n <= len(dic) and d <= 65535, "s2: copy outside of the dictionary")
            out += dic[start:start + n]
        else:
            for i in range(n):
                out.append(out[d - offset + i])
    check(len(out) == length, "s2: too short")
    return bytes(out)


def expand(method, data, length, dictionary):
    check(length <= 1 << 28 and length <= 256 * len(data) + 65536, "plaintext beyond the limits")
    if method == 0:
        check(len(data) == length, "stored plaintext of another length")
        return data
    if method == 1:
        return s2_decode(data, dictionary, length)
    if method == 2:
        raise Unsupported("method 2, Zstandard")
    raise FormatError(f"method {method}")


# --- rows and boxes -------------------------------------------------------------------------------

Row = namedtuple("Row", "id kind k_enc k_salt")  # all but the id are None where the row is removed


def unix(text):
    """A duty or retention of the ledger entry."""
    return int(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()) if text else 0


def read_box(data, entry, box, first, erased, identities, origin):
    """Yields the rows of a box, the removed ones without their keys. erased: an erasure made it."""
    r = Reader(data)
    check(r.take(8) == b"waxbox\x00\x01", "not a box of version 1")
    n = r.fixed(4)
    check(1 <= n <= 1 << 24 and n == box["rows"], "number of rows")
    hashes = [r.take(32) for _ in range(n)]
    check(root(hashes).hex() == box["rows_root"], "rows_root")
    bits = int.from_bytes(r.take((n + 7) // 8), "little")
    check(bits >> n == 0, "padding bits")
    # Read from "an erasure makes a new box in which bits are set": no other box has any.
    check(bool(bits) == erased, "removed rows in a box of no erasure, or none in a box of one")
    r = Reader(age_open(r.take(r.left()), identities))
    check(r.take(8) == b"waxrow\x00\x01", "rows: not of version 1")
    their_origin, block, their_first = r.take(32), r.fixed(8), r.fixed(4)
    duty, retain, lane, cls = r.fixed(8, True), r.fixed(8, True), r.short_text(), r.short_text()
    # The entry's retain_until is the lock of the box object, not this one, so it cannot be compared.
    check(duty == unix(box.get("duty_until")), "rows: duty")
    check(their_origin == origin(their_origin), "rows: origin")
    check((block, lane) == (int(entry["n"]), entry["lane"]) and block < 1 << 40, "rows: of another block")
    check(their_first == first and first + n <= 1 << 24, "rows: first")
    check(cls == box["class"], "rows: class")
    head = b"waxrow\x00\x01" + their_origin + b"".join(u(len(t), 1) + t for t in (lane.encode(), cls.encode()))
    for i in range(n):
        row_id = block << 24 | first + i
        if bits >> i & 1:
            yield Row(row_id, None, None, None)
            continue
        kind, tag, k_row = r.u8(), r.take(16), r.take(32)
        check(1 <= kind <= 4 and (kind == 1 or tag == bytes(16)), "row: kind or tag")
        row = head + u(duty, 8) + u(retain, 8) + u(row_id, 8) + u(kind, 1) + tag + k_row
        check(leaf_hash(row) == hashes[i], "row: another hash")
        k_enc = HKDFExpand(SHA256(), 32, b"waxseal cell key v1").derive(k_row)
        k_salt = HKDFExpand(SHA256(), 32, b"waxseal salt key v1").derive(k_row)
        yield Row(row_id, kind, k_enc, k_salt)
    r.end()


# --- segments -------------------------------------------------------------------------------------

Source = namedtuple("Source", "topic era partition")
Coordinates = namedtuple("Coordinates", "source offset epoch timestamp")
Cell = namedtuple("Cell", "start length row_id plain_length positions")
Shared = namedtuple("Shared", "where rows pieces")  # rows: (row id, segment, cell)
SharedPiece = namedtuple("SharedPiece", "type index row first items length commitment")
Part = namedtuple("Part", "where shared pieces")
Piece = namedtuple("Piece", "type index first items committed content")  # content: bytes, or rulings (item, rule, saw)


def read_sources(r):
    for _ in range(r.count(3)):
        topic, era, partition = r.bytes(), r.uvarint(), r.uvarint()
        check(max(era, partition) < 1 << 32 and len(topic) < 1 << 16, "source out of range")
        yield Source(topic, era, partition)


def read_where(r, sources):
    source, offset, epoch, timestamp = r.uvarint(), r.uvarint(), r.svarint(), r.svarint()
    check(source < len(sources), "no such source")
    check(-1 <= epoch < 1 << 31, "leader epoch out of range")
    return Coordinates(sources[source], offset, epoch, timestamp)


def read_positions(r, n, records):
    positions, at = [], 0
    for i in range(n):
        step = r.uvarint()
        at += step
        check((step or not i) and at < records, "positions not sorted, or beyond the block")
        positions.append(at)
    return positions


class Segment:
    def __init__(self, data, entry, index, identities, dictionaries, origin):
        named, plain = entry["segments"][index], age_open(data, identities)
        r = Reader(plain)
        check(r.take(8) == b"waxseg\x00\x01", "not a segment of version 1")
        their_origin, dictionary = r.take(32), r.take(32)
        check(their_origin == origin(their_origin), "header: origin")
        check(dictionary in dictionaries, f"dictionary {dictionary.hex()} is not here")
        self.dictionary = dictionaries[dictionary]
        check((r.fixed(8), r.fixed(4)) == (int(entry["n"]), index), "header: block or segment")
        check(r.fixed(8, True) == unix(named.get("duty_until")), "header: duty")
        check(r.fixed(8, True) == unix(named.get("retain_until")), "header: retention")
        check((r.short_text(), r.short_text()) == (entry["lane"], named["class"]), "header: lane or class")
        self.plain, self.index, self.cells_start = plain, index, r.at
        self.header_hash = sha256(plain[:r.at])
        self.records, self.rows_from, self.block = entry["records"], int(entry["rows_from"]), int(entry["n"])
        self.read_directory(self.read_trailer())

    def read_trailer(self):
        check(len(self.plain) >= self.cells_start + 72, "segment is too short")
        r = Reader(self.plain[-72:])
        self.directory_start, stored, length, method = r.fixed(8), r.fixed(8), r.fixed(8), r.u8()
        check(r.take(7) == bytes(7), "trailer: not zero")
        check(self.directory_start + stored == len(self.plain) - 72, "trailer: directory does not end at the trailer")
        data, told = self.plain[self.directory_start:-72], r.take(32)
        check(sha256(data) == told and self.directory_start >= self.cells_start, "trailer: directory")
        check(r.take(8) == b"waxend\x00\x01", "trailer: magic")
        check(method in (0, 1), "directory: method")
        return Reader(expand(method, data, length, self.dictionary))

    def check_row_id(self, row_id):
        check(0 <= row_id < 1 << 64 and self.rows_from <= row_id >> 24 <= self.block, "row id out of range")

    def read_directory(self, r):
        self.sources = list(read_sources(r))
        self.rules = [r.bytes() for _ in range(r.count())]
        for rule in self.rules:
            json.loads(rule)
        self.cells, at, row_id = [], self.cells_start, 0
        for _ in range(r.count(4)):
            length, row_id = r.uvarint(), row_id + r.svarint()
            self.check_row_id(row_id)
            plain_length = r.uvarint()
            self.cells.append(Cell(at, length, row_id, plain_length, read_positions(r, r.count(), self.records)))
            check(length >= 29 and self.cells[-1].positions, "directory: empty cell")
            at += length
        check(at == self.directory_start, "directory: cells do not fill the segment")
        self.shared, position = {}, 0
        for i in range(r.count(7)):
            step = r.uvarint()
            check(step or not i, "shared records not sorted")
            position += step
            check(position < self.records, "shared record beyond the block")
            self.shared[position] = self.read_shared(r)
        r.end()
        for position, shared in self.shared.items():
            here = [(c.row_id, n) for n, c in enumerate(self.cells) if position in c.positions]
            told = [(row_id, c) for row_id, s, c in shared.rows if s == self.index]
            check(here and sorted(here) == sorted(told), "shared record: wrong cells or rows")

    def read_shared(self, r):
        where, rows, row_id, pieces = read_where(r, self.sources), [], 0, []
        for _ in range(r.count(3)):
            row_id += r.svarint()
            self.check_row_id(row_id)
            rows.append((row_id, r.uvarint(), r.uvarint()))
        check(len({row[0] for row in rows}) == len(rows) > 1, "shared record without two different rows")
        for _ in range(r.count(37)):
            kind, row, first, items, length = r.u8(), r.uvarint(), r.uvarint(), r.uvarint(), r.uvarint()
            check(kind <= BODY and row < len(rows), "shared piece: type or row")
            check(not pieces or pieces[-1].type <= kind, "shared pieces not sorted")
            index = sum(p.type == kind for p in pieces)
            pieces.append(SharedPiece(kind, index, row, first, items, length, r.take(32)))
        check({p.row for p in pieces} == set(range(len(rows))), "shared record: a row without a piece")
        return Shared(where, rows, pieces)

    def open_cell(self, number, rows):
        """Yields position and part of each record in the cell; of none where the row is removed."""
        cell = self.cells[number]
        check(cell.row_id in rows, "cell of a row in no box")
        row = rows[cell.row_id]
        if row.k_enc is None:
            return
        # "one record's", "of one record": read as that such a row seals one record alone.
        check(row.kind == 1 or len(cell.positions) == 1, "a row of one record used for several")
        data = self.plain[cell.start:cell.start + cell.length]
        method = data[:1]
        aad = b"waxcell\x01" + self.header_hash + u(number, 4) + u(cell.row_id, 8) + method
        sealed = AESGCM(row.k_enc).decrypt(data[1:13], data[13:], aad)
        r, position = Reader(expand(method[0], sealed, cell.plain_length, self.dictionary)), 0
        for i, expected in enumerate(cell.positions):
            position += r.uvarint()
            check(position == expected, "part of another position than the directory's")
            where, flags = read_where(r, self.sources), r.u8()
            check(flags < 2 and flags == (position in self.shared), "part: flags")
            pieces = [self.read_piece(r) for _ in range(r.count(5))]
            order = [p[:2] for p in pieces]
            check(order and order == sorted(set(order)), "pieces: none, or not sorted")
            only = {3: {KEY_AND_HEADERS}, 4: {BODY}}.get(row.kind)
            check(not only or {p.type for p in pieces} == only, "pieces that do not fit the row's kind")
            if not flags:
                check(all(p.index == sum(q.type == p.type for q in pieces[:i]) for i, p in enumerate(pieces)),
                      "pieces of an unshared record: a hole")
            yield position, Part(where, bool(flags), pieces)
        r.end()

    def read_piece(self, r):
        # The index is taken as it is, not as a difference; what first and items count, the page does not say.
        kind, index, first, items = r.u8(), r.uvarint(), r.uvarint(), r.uvarint()
        check(kind <= BODY and index < 1 << 32, "piece: type or index")
        if kind != DECISIONS:
            content = committed = r.bytes()
        else:
            content, committed = [], b""
            for _ in range(r.count(3)):
                item, rule, saw = r.uvarint(), r.uvarint(), r.bytes()
                check(rule < len(self.rules), "no such rule")
                content.append((item, self.rules[rule], saw))
                committed += put_uvarint(item) + sha256(self.rules[rule]) + put_uvarint(len(saw)) + saw
        return Piece(kind, index, first, items, committed, content)


# --- records --------------------------------------------------------------------------------------


def read_key_and_headers(data):
    r = Reader(data)
    flags = r.u8()
    check(flags < 4, "key and headers: flags")
    key, headers = r.bytes() if flags & 1 else None, []
    for _ in range(r.count(2)):
        name, how, value = r.bytes(), r.u8(), None
        check(how <= 2, "header: unknown form")
        if how == 1:
            value = r.bytes()
            check(not re.fullmatch(rb"sha256=[0-9a-f]{64}", value), "header: not packed")
        elif how == 2:
            value = b"sha256=" + r.take(32).hex().encode()
        headers.append((name, value))
    r.end()
    return key, headers, bool(flags & 2)


def commitment(row, where, piece):
    s = where.source
    place = u(s.era, 4) + u(s.partition, 4) + u(where.offset, 8) + u(piece.type, 1) + u(piece.index, 4) + s.topic
    return sha256(hmac.digest(row.k_salt, place, "sha256") + piece.committed)


def record_leaf(where, commitments):
    """commitments: (type, index) to commitment."""
    tree = root([leaf_hash(u(t, 1) + u(i, 4) + c) for (t, i), c in sorted(commitments.items())])
    s = where.source
    return leaf_hash(b"\x01" + u(len(s.topic), 2) + s.topic + u(s.era, 4) + u(s.partition, 4) + u(where.offset, 8)
                     + u(where.epoch, 4) + u(where.timestamp, 8) + tree)


def join_record(position, segments, parts, rows):
    """Puts a record together from its parts [(row id, part)] and the directories."""
    cells = [(s.index, n) for s in segments for n, c in enumerate(s.cells) if position in c.positions]
    check(cells, "record in no cell")
    shared = [s.shared[position] for s in segments if position in s.shared]
    check(all(x == shared[0] for x in shared), "shared record differs between segments")
    check(all((position in s.shared) == bool(shared) for s in segments if any(i == s.index for i, _ in cells)),
          "record shared in some of its segments only")
    if shared:
        check(sorted(x[1:] for x in shared[0].rows) == cells, "shared record: other cells than told")
    else:
        check(len(cells) == 1, "unshared record in several cells")
        if not parts:
            return {"position": position, "gone": True}
    where = shared[0].where if shared else parts[0][1].where
    commitments, found = {}, {}
    for row_id, part in parts:
        check(part.where == where, "part of another record than the directory's")
        for p in part.pieces:
            found[p.type, p.index] = p
            commitments[p.type, p.index] = commitment(rows[row_id], where, p)
    layout = [(p.type, p.index, len(p.committed)) for p in found.values()]
    if shared:
        ids = [row[0] for row in shared[0].rows]
        told = {(p.type, p.index): p for p in shared[0].pieces}
        for row_id, part in parts:
            check([p[:2] for p in part.pieces] == [k for k, p in told.items() if ids[p.row] == row_id],
                  "part with other pieces than the directory's")
        for k, p in found.items():
            check((p.first, p.items, len(p.committed)) == told[k][3:6] and commitments[k] == told[k].commitment,
                  f"piece {k}: other items, length or commitment than the directory's")
        commitments = {k: p.commitment for k, p in told.items()}
        layout = [(p.type, p.index, p.length) for p in told.values()]
    record = {"position": position, "gone": False, "topic": where.source.topic.decode(), "era": where.source.era,
              "partition": where.source.partition, "offset": where.offset, "leader_epoch": where.epoch,
              "timestamp": where.timestamp, "leaf": record_leaf(where, commitments).hex(), "decisions": [], "body": [],
              "erased": len(layout) - len(found)}
    read_content(record, sorted(layout), found)
    return record


def read_content(record, layout, found):
    value, holes, at, null = b"", [], 0, False
    for kind, index, length in layout:
        piece = found.get((kind, index))
        if kind == VALUE:
            value += piece.content if piece else b""
            holes += [] if piece else [[at, length]]
            at += length
        check(kind != KEY_AND_HEADERS or index == 0, "key and headers twice")
        if piece and kind == KEY_AND_HEADERS:
            record["key"], record["headers"], null = read_key_and_headers(piece.content)
        elif piece and kind == DECISIONS:
            record["decisions"] += [{"item": i, "rule": json.loads(rule), "saw": saw} for i, rule, saw in piece.content]
        elif piece and kind == BODY:
            record["body"].append(piece.content)
    check(not null or at == 0, "tombstone with a value")
    record["value"], record["holes"] = None if null else value, holes  # value: what is left of it


# --- archive --------------------------------------------------------------------------------------


class Archive:
    def __init__(self, file, dictionaries, origin):
        self.identities = [parse_identity(text) for text in file["identities"]]
        self.current, self.dictionaries = file.get("current", {}), dictionaries
        self.origin_hash = sha256(origin.encode()) if origin else None
        self.objects = [(key, base64.b64decode(data, validate=True)) for store in file["stores"].values()
                        for key, data in store.items()]
        self.unread = {key for key, _ in self.objects}

    def origin(self, theirs):
        """The hash of the archive's origin. Without --origin, what the first object says."""
        self.origin_hash = self.origin_hash or theirs
        return self.origin_hash

    def fetch(self, named):
        copies = {data for key, data in self.objects if key == named["key"]}
        self.unread.discard(named["key"])
        check(len(copies) == 1, f"{len(copies)} different copies")
        data = copies.pop()
        check(len(data) == named["bytes"] and sha256(data).hex() == named["sha256"], "another length or SHA-256")
        return data

    def read_boxes(self, entry, rows_from):
        first = 0
        for box in entry.get("boxes", []):
            named = self.current.get(box["key"], box)
            erased = named is not box

            def read():
                if erased:
                    name = re.escape(box["key"]) + r"\.[0-9a-f]{16}"
                    check(re.fullmatch(name, named["key"]), "not the name of an erasure's box")
                    check(not box.get("duty_until"), "erased under a duty")
                    check(int(entry["n"]) < rows_from, "erased while its rows are in use")
                data = self.fetch(named)
                return list(read_box(data, entry, box, first, erased, self.identities, self.origin))

            yield from with_name(named["key"], read)
            first += box["rows"]

    def read_block(self, entry, rows):
        segments, parts = [], {}
        for i, named in enumerate(entry.get("segments", [])):

            def read():
                data = self.fetch(named)
                segment = Segment(data, entry, i, self.identities, self.dictionaries, self.origin)
                for number, cell in enumerate(segment.cells):
                    for position, part in segment.open_cell(number, rows):
                        parts.setdefault(position, []).append((cell.row_id, part))
                return segment

            segments.append(with_name(named["key"], read))
        records = [with_name(f"record {p}", join_record, p, segments, parts.get(p, []), rows)
                   for p in range(entry["records"])]
        if not any(r["gone"] for r in records):
            check(root([bytes.fromhex(r["leaf"]) for r in records]).hex() == entry["records_root"], "records_root")
        return records

    def read_lane(self, entries):
        rows = {}
        for entry in entries:
            name = f"lane {entry['lane']}, block {entry['n']}"
            rows.update((row.id, row) for row in with_name(name, lambda: list(
                self.read_boxes(entry, int(entries[-1]["rows_from"])))))
            yield with_name(name, self.read_block, entry, rows)


def with_name(name, function, *args):
    """Calls function; what goes wrong in it is told with the name."""
    try:
        return function(*args)
    except Unsupported as e:
        raise Unsupported(f"{name}: {e}") from e
    except InvalidTag as e:
        raise FormatError(f"{name}: does not decrypt") from e
    except (FormatError, ValueError, OverflowError, KeyError, IndexError) as e:
        raise FormatError(f"{name}: {e}") from e


def compare(records, expected):
    """Returns how many values with a hole could not be compared: the page gives them no form as a whole."""
    check(len(records) == len(expected), "another number of records than expected")
    skipped = 0
    for r, want in zip(records, expected):
        got = {"leaf": r.get("leaf", "00" * 32), "value": sha256(r.get("value") or b"").hex(), "gone": r["gone"],
               "erased": r.get("erased", 0), "rules": len(r.get("decisions", []))}
        if r.get("holes"):
            skipped += 1
            got["value"] = want["value"]
        check(got == want, f"record {r['position']}: expected {want}, got {got}")
    return skipped


def to_json(x):
    return base64.b64encode(x).decode()


def main():
    parser = argparse.ArgumentParser(description="Reads sealed objects from their format page alone.")
    here = pathlib.Path(__file__).resolve().parent
    parser.add_argument("--dictionary", action="append", type=pathlib.Path,
                        help="may be repeated; default: archiver/seal/dictionary.bin")
    parser.add_argument("--origin", help="the archive's origin; without it, objects must agree")
    parser.add_argument("file", type=pathlib.Path)
    args = parser.parse_args()
    try:
        file = json.loads(args.file.read_text())
        paths = args.dictionary or [here.parent.parent / "archiver" / "seal" / "dictionary.bin"]
        dictionaries = {d.hash: d for d in (Dictionary(p.read_bytes()) for p in paths)}
        archive, lanes, skipped = Archive(file, dictionaries, args.origin), {}, 0
        for lane, entries in file["entries"].items():
            lanes[lane] = list(archive.read_lane(entries))
            if "records" in file:
                expected = file["records"][lane]
                check(len(expected) == len(entries), f"lane {lane}: another number of blocks than expected")
                for n, (records, want) in enumerate(zip(lanes[lane], expected)):
                    skipped += with_name(f"lane {lane}, block {n}", compare, records, want)
        if skipped:
            print(f"{skipped} values with holes were not compared with what is expected", file=sys.stderr)
        out = {"lanes": lanes, "not_named_by_an_entry": sorted(archive.unread)}
        json.dump(out, sys.stdout, default=to_json, indent=1)
        print()
    except (FormatError, Unsupported, OSError) as e:
        sys.exit(f"{type(e).__name__}: {e}")


if __name__ == "__main__":
    main()
