"""Prints "N passed, N failed, N skipped" over the test cases in meson's test logs; exits 1 if any failed or a log is missing."""
# SPDX-License-Identifier: LGPL-2.1-or-later
import json
import re
import sys

passed = failed = skipped = 0
for log in sys.argv[1:]:
    try:
        tests = [json.loads(line) for line in open(log)]
    except OSError as error:
        print(f"no test log: {error}")
        failed += 1
        continue
    for test in tests:
        out = test.get("stdout") or ""
        if test["result"] == "SKIP":
            skipped += 1
            continue
        ok = test["result"] in ("OK", "EXPECTEDFAIL")
        whole = re.search(r"All tests passed \(.* in (\d+) test cases?\)", out)
        part = re.search(r"test cases: +(\d+) \|(?: +(\d+) passed \|)? +(\d+) failed", out)
        if ok:
            passed += int(whole[1]) if whole else 1
        elif part and int(part[3]):
            passed += int(part[2] or 0)
            failed += int(part[3])
        else:  # crashed, timed out, or no Catch2 program
            failed += 1
print(f"{passed} passed, {failed} failed, {skipped} skipped")
sys.exit(failed > 0)
