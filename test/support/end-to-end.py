"""Supervisor's own end-to-end tests: lists their names, or runs one with the program that stands in for Python."""
import os
import sys
import unittest

os.environ["END_TO_END"] = "1"
from supervisor.tests.test_end_to_end import EndToEndTests  # noqa: E402

if len(sys.argv) == 1:
    print("\n".join(unittest.TestLoader().getTestCaseNames(EndToEndTests)))
else:
    sys.executable = sys.argv[2]
    result = unittest.TextTestRunner().run(EndToEndTests(sys.argv[1]))
    sys.exit(not result.wasSuccessful())
