"""Runs verify.py over and over in one process: reads a JSON object a line, answers with one."""
import contextlib
import importlib.util
import io
import json
import sys

spec = importlib.util.spec_from_file_location("verify", sys.argv[1])
verify = importlib.util.module_from_spec(spec)
spec.loader.exec_module(verify)

for line in sys.stdin:
    ask = json.loads(line)
    bag = verify.Bag(ask["dir"])
    verify.check(bag, bytes.fromhex(ask["key"]) if ask["key"] else None, ask["checkpoint"] or None)
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        code = verify.report(bag, bool(ask["key"]))
    print(json.dumps({"code": code, "files": sorted({f for f, _ in bag.problems}), "text": text.getvalue()}), flush=True)
