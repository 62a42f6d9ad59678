#!/usr/bin/env python3
"""Checks a production of a Waxseal archive with nothing but Python.

    python3 -I verify.py [--key FINGERPRINT] [--checkpoint FILE] BAG

It shows, or refuses to say, three things about the folder BAG:

1. No file in it was changed, added or removed since the archive signed it.
2. The bytes in data/raw (and others that proofs name) are exactly what Kafka
   delivered at the offset the proof states, whole or with pieces withheld.
3. The archive's ledger, up to a signed checkpoint, contains these records.

Who signed is known only with --key: the archive's fingerprint, which must come
from elsewhere than the bag (its card, filed when the archive began). With
--checkpoint FILE, a checkpoint that you kept, it also shows that the ledger you
saw then and the one behind this bag are one and the same history.

Exit codes: 0 verified under the fingerprint; 4 nothing is wrong, but without
--key nobody knows whose archive it is; 3 refused, each reason names its file;
2 wrong usage; 1 any other error. This program writes nothing and asks nobody.
"""
import sys

# The folder this file lies in is the one that is not trusted: no module comes from it.
if not (sys.flags.isolated or getattr(sys.flags, "safe_path", False)):
    del sys.path[0]

import argparse
import base64
import hashlib
import json
import os
import re
import stat
import struct


class Refused(Exception):
    """Something is not as it must be; file is what the reader should look at."""

    def __init__(self, what, file=None):
        super().__init__(what)
        self.file = file


def demand(condition, what, file=None):
    if not condition:
        raise Refused(what, file)


# --- Ed25519 signatures, as in RFC 8032 section 5.1 and its appendix -----------

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def add(a, b):
    """Adds two points of the curve, in extended coordinates (x, y, z, xy)."""
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    return (f - e) * (h - g) % P, (h + g) * (f + e) % P, (h - g) * (h + g) % P, (f - e) * (f + e) % P


def times(n, point):
    total = (0, 1, 1, 0)
    while n:
        if n & 1:
            total = add(total, point)
        point, n = add(point, point), n >> 1
    return total


def point(encoded):
    """Reads 32 bytes as a point; None where they are none."""
    y = int.from_bytes(encoded, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if y >= P or x * x % P != square or x == 0 and sign:
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


BASE = point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def signed_by(key, message, signature):
    """Whether the signature over the message was made with the key."""
    if len(key) != 32 or len(signature) != 64:
        return False
    a, r, s = point(key), point(signature[:32]), int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= ORDER:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % ORDER
    left, right = times(s, BASE), add(r, times(h, a))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0


# --- Hashes and trees, as in RFC 6962 (Certificate Transparency) ---------------


def sha(*parts):
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.digest()


def leaf_hash(data):
    return sha(b"\0", data)


def node_hash(left, right):
    return sha(b"\1", left, right)


def tree_root(leaves):
    """The root over a list of leaf hashes, which is not empty."""
    if len(leaves) == 1:
        return leaves[0]
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(tree_root(leaves[:k]), tree_root(leaves[k:]))


def included(path, size, root, index, leaf):
    """Whether the leaf stands at the index of the tree (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    last, got = size - 1, leaf
    for h in path:
        if last == 0:
            return False
        if index & 1 or index == last:
            got = node_hash(h, got)
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            got = node_hash(got, h)
        index, last = index >> 1, last >> 1
    return last == 0 and got == root


def consistent(path, small, small_root, large, large_root):
    """Whether the small tree is the beginning of the large one (RFC 9162 section 2.1.4.2)."""
    if not 0 < small <= large:
        return False
    if small == large:
        return not path and small_root == large_root
    if small & small - 1 == 0:
        path = [small_root] + path
    index, last = small - 1, large - 1
    while index & 1:
        index, last = index >> 1, last >> 1
    if not path:
        return False
    old = new = path[0]
    for h in path[1:]:
        if last == 0:
            return False
        if index & 1 or index == last:
            old, new = node_hash(h, old), node_hash(h, new)
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            new = node_hash(new, h)
        index, last = index >> 1, last >> 1
    return last == 0 and old == small_root and new == large_root


# --- Reading the documents strictly: one form for each, nothing left over ------

HASH, BYTES, NUMBER, TEXT, DECIMAL = "a hash", "base64", "a number", "a text", "a decimal"


def value_of(kind, v):
    """Reads a field of a kind; a list of one kind is a list of such."""
    if isinstance(kind, list):
        demand(isinstance(v, list) and v, "a list is empty, or none")
        return [value_of(kind[0], each) for each in v]
    if isinstance(kind, dict):
        return fields(kind, v)
    if kind == NUMBER:
        demand(type(v) is int, "a field is not a number")
        return v
    demand(isinstance(v, str), "a field is not a text")
    if kind == HASH:
        demand(re.fullmatch("[0-9a-f]{64}", v), "a field is not a hash")
        return bytes.fromhex(v)
    if kind == DECIMAL:
        demand(re.fullmatch("0|-?[1-9][0-9]{0,18}", v), "a field is not a decimal")
        return int(v)
    if kind == BYTES:
        raw = base64.b64decode(v, validate=True)
        demand(base64.b64encode(raw).decode() == v, "a field is not base64 in its one form")
        return raw
    return v


def fields(form, doc):
    """Reads an object: the fields of the form in its order, those with a ? may be left out."""
    demand(isinstance(doc, dict), "it is not an object")
    order = [name.rstrip("?") for name in form]
    demand(list(doc) == [name for name in order if name in doc], "a field is unknown, or not in its place")
    demand(all(name.endswith("?") or name in doc for name in form), "a field is missing")
    return {name.rstrip("?"): value_of(kind, doc[name.rstrip("?")]) for name, kind in form.items() if name.rstrip("?") in doc}


def parse(raw):
    """JSON without a name that stands twice in one object."""

    def once(pairs):
        demand(len(dict(pairs)) == len(pairs), "a name stands twice")
        return dict(pairs)

    return json.loads(raw.decode("utf-8"), object_pairs_hook=once)


def compact(doc):
    return json.dumps(doc, ensure_ascii=False, separators=(",", ":")).encode()


def document(form, raw):
    doc = parse(raw)
    demand(compact(doc) + b"\n" == raw, "it is not written in its one form")
    out = fields(form, doc)
    demand(out["v"] == 1, "its version is not known")
    return out


HEADS = {"entry": BYTES, "entry_path?": [HASH], "event": BYTES, "event_index": NUMBER, "event_path?": [HASH]}
ANCHOR = {"v": NUMBER, "archive": TEXT, "fingerprint": HASH, "genesis": BYTES, "rotations?": [BYTES], "checkpoint": TEXT, "heads?": [HEADS]}
LANE = {"name": TEXT, "head": DECIMAL, "entry": BYTES, "entry_path?": [HASH]}
PIECE = {"type": NUMBER, "index": NUMBER, "commitment?": HASH, "salt?": HASH, "data?": BYTES, "file?": TEXT, "offset?": NUMBER, "bytes?": NUMBER}
RECORD = {"record": TEXT, "leader_epoch": NUMBER, "timestamp": DECIMAL, "position": NUMBER, "path?": [HASH], "pieces": [PIECE]}
PROOF = {"v": NUMBER, "archive": TEXT, "fingerprint": HASH, "anchor": HASH, "lane": LANE, "records": [RECORD]}
KEPT = {"v": NUMBER, "archive": TEXT, "fingerprint": HASH, "rotations?": [BYTES], "checkpoint": TEXT, "path?": [HASH]}


# --- Keys, checkpoints and the signature of the bag ----------------------------


def note_text(note, name, key):
    """The text of a signed note (C2SP signed-note) with one signature, by this key under this name."""
    text, _, line = note.partition("\n\n")
    text += "\n"
    prefix = "\u2014 " + name + " "
    demand(line.startswith(prefix) and line.endswith("\n"), "its signature is not of " + name)
    raw = base64.b64decode(line[len(prefix):-1], validate=True)
    demand(line == prefix + base64.b64encode(raw).decode() + "\n", "its signature line is not in its one form")
    demand(raw[:4] == sha(name.encode(), b"\n\1", key)[:4] and signed_by(key, text.encode(), raw[4:]), "it is not signed by the archive's key")
    return text


class Keys:
    """The archive's signing keys: that of genesis, and each that a rotation put in its place."""

    def __init__(self, archive, fingerprint, genesis, rotations):
        demand(re.fullmatch("[a-z0-9./-]{1,200}", archive), "the archive's name is none")
        demand(sha(genesis) == fingerprint, "genesis does not hash to the fingerprint beside it")
        act = parse(genesis)
        demand(act["type"] == "genesis" and act["genesis"]["archive"] == archive, "genesis is of another archive")
        self.archive = archive
        self.keys = [(0, base64.b64decode(act["genesis"]["keys"]["ed25519"]))]
        for raw in rotations:
            self.rotate(parse(raw))

    def rotate(self, act):
        demand(act["type"] == "rotate", "a rotation is none")
        r = act["rotate"]
        old, new = base64.b64decode(r["old"]), base64.b64decode(r["new"]["ed25519"])
        text = b"waxseal rotation v1\n" + self.archive.encode() + b"\n" + compact({**r, "by_old": None, "by_new": None})
        demand(old == self.keys[-1][1], "a rotation replaces another key")
        demand(signed_by(old, text, base64.b64decode(r["by_old"])) and signed_by(new, text, base64.b64decode(r["by_new"])),
               "a rotation is not signed by both keys")
        size = next((int(h["size"]) for h in r["last"] if h["lane"] == "control"), 0)
        demand(size > self.keys[-1][0], "a rotation does not end the key before it")
        self.keys.append((size, new))

    def at(self, size):
        """The key that counts for control's checkpoint of a size."""
        return [key for above, key in self.keys if size > above][-1]

    def checkpoint(self, note):
        """Reads control's signed checkpoint: its size and root."""
        size, root = read_checkpoint(note, self.archive)
        note_text(note, self.archive + "/control", self.at(size))
        return size, root


def read_checkpoint(note, archive):
    m = re.fullmatch("(\\S+)\n([1-9][0-9]{0,14})\n([A-Za-z0-9+/]{43}=)\n", note.partition("\n\n")[0] + "\n")
    demand(m and (archive is None or m[1] == archive + "/control"), "it is not a checkpoint of this archive's control lane")
    root = base64.b64decode(m[3])
    demand(base64.b64encode(root).decode() == m[3], "its root is not in its one form")
    return int(m[2]), root


# --- The bag -------------------------------------------------------------------


class Bag:
    def __init__(self, folder):
        self.folder, self.problems, self.sums = folder, [], {}

    def find(self, file, what):
        if (file, what) not in self.problems:
            self.problems.append((file, what))

    def attempt(self, file, check, *args):
        """Runs a check; whatever is wrong is noted under its file, and checking goes on."""
        try:
            return check(*args)
        except Refused as e:
            self.find(e.file or file, str(e))
        except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError, OverflowError, struct.error):
            self.find(file, "it cannot be read as what it should be")
        except OSError as e:
            self.find(file, "it cannot be read: " + str(e.strerror))
        return None

    def open(self, path):
        demand(path in self.sums, "it is missing", path)
        return open(os.path.join(self.folder, *path.split("/")), "rb")

    def read(self, path):
        with self.open(path) as f:
            return f.read()

    def list(self):
        """Every file below the folder, with its SHA-256. Links are refused, not followed."""
        seen = set()
        for at, folders, names in os.walk(self.folder):
            for name in sorted(folders + names):
                full = os.path.join(at, name)
                path = os.path.relpath(full, self.folder).replace(os.sep, "/")
                mode = os.lstat(full).st_mode
                if not re.fullmatch("[A-Za-z0-9._/-]+", path) or path.lower() in seen:
                    self.find(path, "its name is not one of such a bag, or differs from another in capitals alone")
                elif not stat.S_ISREG(mode) and not (stat.S_ISDIR(mode) and name in folders):
                    self.find(path, "it is no plain file")
                elif name in names:
                    self.attempt(path, self.sum, path, full)
                seen.add(path.lower())

    def sum(self, path, full):
        with open(full, "rb") as f:
            digest = hashlib.sha256()
            for chunk in iter(lambda: f.read(1 << 20), b""):
                digest.update(chunk)
        self.sums[path] = digest.hexdigest()

    def manifest(self, file, covers):
        """Holds a manifest to the files: each listed, each unchanged, none left out, sorted."""
        listed = {}
        text = self.read(file).decode("utf-8")
        demand(text.endswith("\n") or not text, "its last line is cut", file)
        for line in text.split("\n")[:-1]:
            m = re.fullmatch("([0-9a-f]{64})  ([A-Za-z0-9._/-]+)", line)
            demand(m and m[2] not in listed and covers(m[2]), "a line is not a checksum and a path, or a path stands twice", file)
            listed[m[2]] = m[1]
        demand(list(listed) == sorted(listed), "it is not sorted", file)
        for path in sorted(set(listed) | {p for p in self.sums if covers(p)}):
            if path not in self.sums:
                self.find(path, "it is missing: %s lists it" % file)
            elif path not in listed:
                self.find(path, "it is not listed in " + file)
            elif listed[path] != self.sums[path]:
                self.find(path, "it is not what %s says: changed" % file)

    def shape(self):
        """What BagIt asks for (RFC 8493), in the one form our bags have."""
        demand(self.read("bagit.txt") == b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n", "it is not that of BagIt 1.0", "bagit.txt")
        for path in self.sums:
            if re.fullmatch("(tag)?manifest-.*[.]txt|fetch[.]txt", path) and path not in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
                self.find(path, "it is no file of such a bag")
        for path in ("bag-info.txt", "VERIFY.md", "verify.py"):
            if path not in self.sums:
                self.find(path, "it is missing")
        payload = [p for p in self.sums if p.startswith("data/")]
        size = sum(os.path.getsize(os.path.join(self.folder, *p.split("/"))) for p in payload)
        for line in self.read("bag-info.txt").decode("utf-8").split("\n"):
            if line.lower().startswith("payload-oxum:"):
                demand(line.split(":")[1].strip() == "%d.%d" % (size, len(payload)), "it states another size of the payload", "bag-info.txt")

    def anchor(self, fingerprint):
        """Genesis, keys, checkpoint, and the acts under it that seal the heads of the lanes."""
        file = "proofs/anchor.json"
        raw = self.read(file)
        a = document(ANCHOR, raw)
        self.raw_anchor, self.doc = sha(raw), a
        demand(fingerprint is None or a["fingerprint"] == fingerprint, "it is not of the archive with the given fingerprint")
        keys = Keys(a["archive"], a["fingerprint"], a["genesis"], a.get("rotations", []))
        self.size, self.root = keys.checkpoint(a["checkpoint"])
        demand(keys.keys[-1][0] < self.size, "a rotation stands above the checkpoint")
        self.heads = {}
        for h in a.get("heads", []):
            e, act = parse(h["entry"]), parse(h["event"])
            demand(e["lane"] == "control" and included(h.get("entry_path", []), self.size, self.root, int(e["n"]), leaf_hash(h["entry"])),
                   "a heads act's entry is not in the checkpoint")
            demand(included(h.get("event_path", []), e["events"], bytes.fromhex(e["events_root"]), h["event_index"], leaf_hash(h["event"])),
                   "a heads act is not in its entry")
            demand(act["type"] == "heads", "an act is not a heads act")
            for head in act["heads"]["heads"]:
                name, root = (head["lane"], int(head["size"])), bytes.fromhex(head["root"])
                demand(self.heads.setdefault(name, root) == root, "a lane has two roots at one size")
        for path, want in (("checkpoint.txt", a["checkpoint"].encode()), ("keys/genesis.json", a["genesis"]),
                           ("keys/fingerprint.txt", a["fingerprint"].hex().encode() + b"\n"), ("keys/checkpoint.pem", pem(keys.at(self.size)))):
            self.attempt(path, self.same, path, want)
        return a

    def same(self, path, want):
        demand(self.read(path) == want, "it is not what proofs/anchor.json says", path)

    def signature(self):
        """The signature over the bag, by the key in force when it was made."""
        a, rotations = self.doc, []
        while "keys/rotation-%d.json" % (len(rotations) + 1) in self.sums:
            rotations.append(self.read("keys/rotation-%d.json" % (len(rotations) + 1)))
        below = a.get("rotations", [])
        for i, raw in enumerate(below):
            path = "keys/rotation-%d.json" % (i + 1)
            demand(i < len(rotations), "it is missing", path)
            demand(rotations[i] == raw, "it is not what proofs/anchor.json says", path)
        keys = self.attempt("keys/rotation-1.json", Keys, a["archive"], a["fingerprint"], a["genesis"], rotations)
        if keys is None:
            return
        self.signer = keys.keys[-1][1]
        self.attempt("keys/bag.pem", self.same, "keys/bag.pem", pem(self.signer))
        text = note_text(self.read("signature.txt").decode("utf-8"), a["archive"] + "/bag", self.signer)
        m = re.fullmatch("waxseal bag v1\n(.*)\n(.*)\n([0-9a-f]{64})\n", text)
        demand(m and m[1] == a["archive"] and m[2] == a["fingerprint"].hex(), "it is not of this archive", "signature.txt")
        demand(m[3] == self.sums.get("tagmanifest-sha256.txt"), "it is not the one that was signed", "tagmanifest-sha256.txt")

    def consistency(self):
        """The bag's own proof that a checkpoint somebody kept is of the same history."""
        a, c = self.doc, document(KEPT, self.read("proofs/consistency.json"))
        demand(c["archive"] == a["archive"] and c["fingerprint"] == a["fingerprint"], "it is of another archive")
        keys = Keys(a["archive"], a["fingerprint"], a["genesis"], c.get("rotations", []))
        size, root = keys.checkpoint(c["checkpoint"])
        demand(keys.keys[-1][0] < max(size, self.size), "a rotation stands above both checkpoints")
        keys.checkpoint(a["checkpoint"])
        small, large = sorted([(size, root), (self.size, self.root)])
        demand(consistent(c.get("path", []), *small, *large), "the checkpoint that was kept and the bag's are not of one history")
        self.kept, self.kept_note = size, c["checkpoint"]

    def kept_outside(self, note):
        """A checkpoint that the reader brought along."""
        size, root = read_checkpoint(note, self.doc["archive"])
        demand(size != self.size or root == self.root, "the checkpoint that was kept and the bag's are not of one history")
        demand(note in (self.doc["checkpoint"], getattr(self, "kept_note", None)),
               "nothing in the bag leads from the checkpoint that was kept to its own (export it with --since)")
        self.kept = size

    def proof(self, path):
        """The records of one block."""
        f = document(PROOF, self.read(path))
        lane = f["lane"]
        demand(f["archive"] == self.doc["archive"] and f["fingerprint"] == self.doc["fingerprint"], "it is of another archive")
        demand(f["anchor"] == self.raw_anchor, "it belongs to another anchor")
        root = self.heads.get((lane["name"], lane["head"]))
        demand(root, "no act of the anchor seals this head of the lane")
        entry = parse(lane["entry"])
        demand(entry["lane"] == lane["name"] and included(lane.get("entry_path", []), lane["head"], root, int(entry["n"]), leaf_hash(lane["entry"])),
               "its block is not under the sealed head")
        demand(path == "proofs/%s-%s.json" % (lane["name"].replace("~", "_"), entry["n"]), "its name is that of another block")
        self.named.update(p["file"] for r in f["records"] for p in r["pieces"] if "file" in p)
        last = -1
        for r in f["records"]:
            demand(r["position"] > last, "records are not in order")
            last = r["position"]
            self.attempt(path, self.record, entry, r)

    def record(self, entry, r):
        """One record: its pieces give its leaf, and its leaf stands in the block."""
        m = re.fullmatch("([^/~]+)(?:~([1-9][0-9]*))?/(0|[1-9][0-9]*)/(0|[1-9][0-9]*)", r["record"])
        demand(m and m[2] != "1", "a record's name is none")
        leaves, before, withheld, pieces = [], None, 0, Pieces(self)
        for p in r["pieces"]:
            ref = (p["type"], p["index"])
            demand(before is None or before < ref, "pieces are not in order")
            before = ref
            if "salt" in p:
                commitment = pieces.commitment(p)
            else:
                demand(set(p) == {"type", "index", "commitment"}, "a piece is neither shown nor withheld")
                commitment, withheld = p["commitment"], withheld + 1
            leaves.append(leaf_hash(struct.pack(">BI", *ref) + commitment))
        pieces.end()
        topic = m[1].encode()
        leaf = b"\1" + struct.pack(">H", len(topic)) + topic + struct.pack(
            ">IIQiq", int(m[2] or 1), int(m[3]), int(m[4]), r["leader_epoch"], r["timestamp"]) + tree_root(leaves)
        demand(included(r.get("path", []), entry["records"], bytes.fromhex(entry["records_root"]), r["position"], leaf_hash(leaf)),
               "record %s: what is shown of it is not what block %s of lane %s sealed" % (r["record"], entry["n"], entry["lane"]),
               pieces.files[0] if len(pieces.files) == 1 else None)
        self.complete += not withheld
        self.partial += bool(withheld)
        self.withheld += withheld
        self.proven.update(pieces.files)


class Pieces:
    """Reads a record's pieces from files. They fill each file from its first byte to its last, so
    that none of it is unproven; pieces of one file are neighbours in the record."""

    def __init__(self, bag):
        self.bag, self.files, self.now, self.at, self.ref = bag, [], None, 0, None

    def commitment(self, p):
        """SHA-256 over the salt and the piece's bytes."""
        demand("commitment" not in p, "a piece is shown and withheld at once")
        if "file" not in p:
            demand("offset" not in p and "bytes" not in p, "a piece has a place in no file")
            return sha(p["salt"], p.get("data", b""))
        path, ref, left = p["file"], (p["type"], p["index"]), p.get("bytes", 0)
        demand("data" not in p and left >= 0, "a piece stands in two places", path)
        if self.files[-1:] == [path]:
            demand(p.get("offset", 0) == self.at and self.ref == (ref[0], ref[1] - 1), "pieces in it are no neighbours", path)
        else:
            self.end()
            demand(path not in self.files and p.get("offset", 0) == 0, "pieces in it are not in order", path)
            demand(path.startswith("data/"), "it is not in the payload", path)
            self.files.append(path)
            self.now, self.at = self.bag.open(path), 0
        self.ref, digest = ref, hashlib.sha256(p["salt"])
        while left:
            chunk = self.now.read(min(left, 1 << 20))
            demand(chunk, "it is shorter than its proof says", path)
            digest.update(chunk)
            self.at, left = self.at + len(chunk), left - len(chunk)
        return digest.digest()

    def end(self):
        if self.now:
            rest = self.now.read(1)
            self.now.close()
            self.now = None
            demand(not rest, "it is longer than its proof says", self.files[-1])


def pem(key):
    der = bytes.fromhex("302a300506032b6570032100") + key
    return b"-----BEGIN PUBLIC KEY-----\n" + base64.b64encode(der) + b"\n-----END PUBLIC KEY-----\n"


def check(bag, fingerprint, kept):
    """All checks in turn; what is wrong is in bag.problems."""
    bag.complete = bag.partial = bag.withheld = 0
    bag.proven, bag.named, bag.kept, bag.signer = set(), set(), None, b""
    bag.list()
    bag.attempt("bagit.txt", bag.shape)
    bag.attempt("manifest-sha256.txt", bag.manifest, "manifest-sha256.txt", lambda p: p.startswith("data/"))
    bag.attempt("tagmanifest-sha256.txt", bag.manifest, "tagmanifest-sha256.txt",
                lambda p: not p.startswith("data/") and p not in ("tagmanifest-sha256.txt", "signature.txt"))
    if bag.attempt("proofs/anchor.json", bag.anchor, fingerprint) is None:
        return
    bag.attempt("signature.txt", bag.signature)
    if "proofs/consistency.json" in bag.sums:
        bag.attempt("proofs/consistency.json", bag.consistency)
    if kept is not None:
        bag.attempt("checkpoint.txt", bag.kept_outside, kept)
    for path in sorted(bag.sums):
        if path.startswith("proofs/") and path not in ("proofs/anchor.json", "proofs/consistency.json"):
            bag.attempt(path, bag.proof, path)
    for path in sorted(bag.sums):
        if path.startswith("data/raw/") and path not in bag.named:
            bag.find(path, "it is shown by no proof")


def count(n, noun):
    return "%d %s%s" % (n, noun, "" if n == 1 else "s")


def report(bag, pinned):
    for file, what in sorted(bag.problems):
        print("refused      %s: %s" % ("".join(c if " " <= c <= "~" else "?" for c in file), what))
    if hasattr(bag, "heads"):
        a = bag.doc
        print("archive      " + a["archive"])
        print("fingerprint  %s (%s)" % (a["fingerprint"].hex(), "as given" if pinned else "as the bag itself says; compare it with the archive's card"))
        print("checkpoint   control, size %d, root %s" % (bag.size, bag.root.hex()))
        print("signer       ed25519 " + bag.signer.hex())
        if bag.kept is not None:
            print("kept         of one history with the checkpoint of size %d" % bag.kept)
        print("records      %d complete, %d with %s withheld" % (bag.complete, bag.partial, count(bag.withheld, "piece")))
        payload = sum(p.startswith("data/") for p in bag.sums)
        print("payload      %s, %d of them proven to be what Kafka delivered" % (count(payload, "file"), len(bag.proven)))
    if bag.problems:
        print("REFUSED: " + count(len(bag.problems), "problem"))
        return 3
    print("OK: verified under the given fingerprint" if pinned else "OK: integrity only, signer not authenticated")
    return 0 if pinned else 4


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--key", metavar="FINGERPRINT", help="the archive's fingerprint, from elsewhere")
    parser.add_argument("--checkpoint", metavar="FILE", help="a checkpoint of the archive's control lane that you kept")
    parser.add_argument("bag", metavar="BAG", help="the folder of the production")
    args = parser.parse_args()
    key = None if args.key is None else "".join(args.key.split())
    if key is not None and not re.fullmatch("[0-9a-f]{64}", key):
        parser.error("--key is the 64 lower-case hex digits of the archive's card")
    if not os.path.isdir(args.bag):
        parser.error("%s is no folder" % args.bag)
    kept = None
    if args.checkpoint is not None:
        try:
            with open(args.checkpoint, "rb") as f:
                kept = f.read().decode("utf-8")
            read_checkpoint(kept, None)
        except (OSError, ValueError, Refused):
            parser.error("%s is no checkpoint" % args.checkpoint)
    bag = Bag(args.bag)
    check(bag, bytes.fromhex(key) if key else None, kept)
    return report(bag, key is not None)


if __name__ == "__main__":
    sys.exit(main())
