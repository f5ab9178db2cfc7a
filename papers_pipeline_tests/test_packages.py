"""Importing the packages asks nothing of the environment."""

import os
import subprocess
import sys

IMPORT_ALL = """
import importlib, pkgutil
import papers_pipeline
found = pkgutil.walk_packages(papers_pipeline.__path__, "papers_pipeline.")
names = [module.name for module in found]
for name in names:
    if not name.endswith("__main__"):
        importlib.import_module(name)
print(len(names))
"""


def test_no_module_reads_the_settings_while_it_is_imported():
    env = {**os.environ, "PAPERS_LLM_CONCURRENCY": "no number"}
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 100
