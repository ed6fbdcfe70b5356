# From a trained checkpoint to what ships: figures, the file with its credits, the card, pictures.
# A recipe includes this after it has said
#   NAME     name of the model
#   RUN      folder of the training, which leaves RUN/trained when it is done
#   TERMS    licence of the model, whom to credit included
#   CREDITS  Markdown files with authors and licences of the data
#   SETS     data sets that the card reports on; SET_annotations and SET_images of each
#   LOSS_SETS  annotations of the pictures that ship: real rooms, and both halves of the larger set
#   FAILURE_SETS, FAILURE_IMAGES  annotations and folders of pictures that may be shown
# Targets: ship (all of it; with CHECKPOINT=FILE that one, without training); card and images (again
# from the shipped file); ranges (what int8 needs, into that file, from photographs of recipes/teacher);
# losses (what PRECISION loses, into that file).
CHECKPOINT ?= $(RUN)/last.safetensors
TRAINED := $(if $(filter file,$(origin CHECKPOINT)),$(RUN)/trained,$(CHECKPOINT))
MODEL ?= $(ROOT)/yolact_core/models/$(NAME).safetensors
CARD ?= $(ROOT)/docs/model_card_$(NAME).md
IMAGES ?= $(ROOT)/docs/images
REAL := $(ROOT)/test/data/real_rooms
REAL_2 := $(ROOT)/test/data/real_rooms_2
PRECISION ?= bfloat16
EXACT := backbone.conv1.0 backbone.layers.0  # of few channels: int8 would lose most there
FIGURES := $(SETS:%=$(OUT)/figures/%.json)
SHEETS := $(IMAGES)/$(NAME)_real_rooms.jpg $(IMAGES)/$(NAME)_pictures.jpg
FAILURES := $(IMAGES)/$(NAME)_failures.jpg

WRITE_CARD = $(STEP) card $(MODEL) $(CARD) --template $(CURDIR)/model_card.md
define DRAW_SHEETS
$(STEP) sheet $(REAL) $(IMAGES)/$(NAME)_real_rooms.jpg --model $(MODEL)
$(STEP) sheet $(REAL_2) $(IMAGES)/$(NAME)_pictures.jpg --model $(MODEL) \
  --annotations $(REAL_2)/choose.json
endef
DRAW_FAILURES = $(STEP) failures $(FAILURES) --model $(MODEL) \
  --annotations $(FAILURE_SETS) --images $(FAILURE_IMAGES)

.PHONY: ship card images ranges losses
ship: $(MODEL) $(CARD) $(SHEETS) $(FAILURES)

$(FIGURES): $(OUT)/figures/%.json: $(TRAINED)
	$(YOLACT) evaluate $($*_annotations) --images $($*_images) --backend torch \
	  --model $(CHECKPOINT) --per-class --output $@

$(MODEL): $(FIGURES) $(CREDITS)
	$(STEP) ship $(CHECKPOINT) $@ --figures $(FIGURES) --credits $(CREDITS) --license '$(TERMS)'

$(OUT)/speed.json: $(MODEL)
	$(YOLACT) benchmark --model $(MODEL) --json $@

$(CARD): $(MODEL) $(OUT)/speed.json model_card.md
	$(WRITE_CARD) --speed $(OUT)/speed.json

$(SHEETS) &: $(MODEL)
	$(DRAW_SHEETS)

$(FAILURES): $(MODEL) $(FAILURE_SETS)
	$(DRAW_FAILURES)

card:
	$(WRITE_CARD)

images: $(FAILURE_SETS)
	$(DRAW_SHEETS)
	$(DRAW_FAILURES)

$(TEACHER)/images/index.json:
	$(MAKE) -C ../teacher pictures OUT=$(TEACHER)

ranges: $(TEACHER)/images/index.json
	$(STEP) ranges $(MODEL) --images $(<D) --exact $(EXACT)

losses: $(LOSS_SETS)
	$(STEP) losses $(MODEL) --precision $(PRECISION) $(if $(EXPORTED),--exported $(EXPORTED)) \
	  --annotations $(LOSS_SETS) --images $(REAL) $(REAL_2) $(REAL_2)
	$(WRITE_CARD)
