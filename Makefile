# Two commands: `make demo` and `make test`. Both set up what they need first.

PYTHON ?= python3.11
PYTHON_5_2 ?= $(shell command -v python3.13)

VENV := .venv
HOST := $(VENV)/host/bin/python
RUNTIME := $(VENV)/runtime/bin/python

OUT ?= build/demo
SONG ?= assets/song/twinkle.ogg
FPS ?= 24
SEED ?= 1
SIZE ?= 256x256
PROMPTS ?= $(if $(filter assets/song/twinkle.ogg,$(SONG)),assets/song/prompts.txt)

.PHONY: demo test lint setup music host-4.5 host-5.2 clean

demo: setup
	$(HOST) -m demo --song "$(SONG)" --out "$(OUT)" --fps "$(FPS)" --seed "$(SEED)" --size "$(SIZE)" \
	  --prompts "$(PROMPTS)" --runtime "$(abspath $(RUNTIME))"

test: setup
	$(HOST) -m tests --host "$(abspath $(HOST))" --runtime "$(abspath $(RUNTIME))" \
	  --other-hosts "$(wildcard $(VENV)/host-*/bin/python)"

lint: setup
	$(RUNTIME) -m ruff check .
	$(RUNTIME) -m mypy

setup: $(VENV)/host/.ready $(VENV)/runtime/.ready

# Other versions of Blender: once they are set up, `make test` runs the host ring in them too.
host-4.5: $(VENV)/host-4.5/.ready
host-5.2: $(VENV)/host-5.2/.ready

$(VENV)/host/.ready: requirements/host.txt requirements/test.txt
	$(PYTHON) -m venv $(VENV)/host
	$(HOST) -m pip install --quiet -r requirements/host.txt -r requirements/test.txt
	touch $@

$(VENV)/runtime/.ready: requirements/runtime.txt requirements/test.txt requirements/lint.txt
	$(PYTHON) -m venv $(VENV)/runtime
	$(RUNTIME) -m pip install --quiet -r requirements/runtime.txt
	$(RUNTIME) -m pip install --quiet -r requirements/test.txt -r requirements/lint.txt
	touch $@

$(VENV)/host-4.5/.ready: requirements/test.txt
	$(PYTHON) -m venv $(VENV)/host-4.5
	$(VENV)/host-4.5/bin/python -m pip install --quiet bpy==4.5.15 -r requirements/test.txt
	touch $@

$(VENV)/host-5.2/.ready: requirements/test.txt
	$(PYTHON_5_2) -m venv $(VENV)/host-5.2
	$(VENV)/host-5.2/bin/python -m pip install --quiet bpy==5.2.3 -r requirements/test.txt
	touch $@

# Real recordings for the tests: two tracks of a Debian package, unpacked, not installed.
music: build/music/.ready
build/music/.ready:
	mkdir -p build/music
	cd build/music && apt-get download --quiet performous && dpkg -x performous_*.deb .
	touch $@

clean:
	rm -rf build dist $(VENV)
