# What each change of the renderings gives. From the shipped `coco` a head learns all classes, each time
# from as many frames for as many steps: a quarter of the frames are plain ones that all variants share,
# the others show the same rooms with one change, or with all of them. `again` is `plain` trained with
# another seed, which shows what chance does.
CHANGES := plain again people photos clutter fresh soft all
CHANGED := $(OUT)/changes
CHANGED_FRAMES ?= 300
CHANGED_STEPS ?= 250
CHANGED_TEST ?= 250
again_options := seed=1
PACKS := $(CHANGED)/packs
people_pack := people
photos_look := --photos $(CACHE)/photos
clutter_look := --distractors 2
fresh_look := --fresh 0.4
soft_look := --light soft
all_pack := people
all_look := $(photos_look) $(clutter_look) $(fresh_look) $(soft_look)

CHANGED_RENDER := $(STEP) render --workers $(WORKERS) --size 480x640 --views 3 --shard 75

.PHONY: changes
changes: $(CHANGES:%=$(CHANGED)/%.json)
	@$(STEP) changes $^

$(PACKS)/plain/index.json $(PACKS)/people/index.json: $(PACKS)/%/index.json: | $(CACHE)/package
	$(STEP) assets --deb-root $(CACHE)/package --output $(@D) --cache $(PACKAGES) \
	  --people $(if $(filter people,$*),40,0)

$(CHANGED)/test/instances.json: | $(PACKS)/plain/index.json
	$(CHANGED_RENDER) --assets $(PACKS)/plain --split test --seed 2 --frames $(CHANGED_TEST) \
	  --output $(@D)

$(CHANGED)/common/instances.json: | $(PACKS)/plain/index.json
	$(CHANGED_RENDER) --assets $(PACKS)/plain --output $(@D) --frames $$(($(CHANGED_FRAMES) / 4))

# shards that exist are kept: what is not common alone is rendered
$(CHANGES:%=$(CHANGED)/%/instances.json): $(CHANGED)/%/instances.json: $(CHANGED)/common/instances.json \
    | $(CACHE)/photos/CREDITS.md $(PACKS)/people/index.json
	mkdir -p $(@D)
	cp -r $(CHANGED)/common/images $(CHANGED)/common/shards $(@D)
	$(CHANGED_RENDER) --assets $(PACKS)/$(or $($*_pack),plain) --output $(@D) \
	  --frames $(CHANGED_FRAMES) $($*_look)

$(CHANGED)/%/trained: $(CHANGED)/%/instances.json
	$(YOLACT) train train.yaml output=$(@D)/run model.weights=coco model.extension.relearn=true \
	  data.train=$< data.images=$(@D)/images data.cache=$(@D)/features optimizer.average=0.98 \
	  schedule.steps=$(CHANGED_STEPS) schedule.max_minutes=0 schedule.warmup_steps=20 $($*_options) \
	  resume=$(if $(wildcard $(@D)/run/resume.ckpt),true,false)
	rm -r $(@D)/features
	touch $@

.PRECIOUS: $(CHANGED)/%/trained
$(CHANGED)/%.json: $(CHANGED)/%/trained $(CHANGED)/test/instances.json
	$(STEP) measure $(CHANGED)/$*/run/last.safetensors $@ --names rendered 'real rooms' choosing \
	  --annotations $(CHANGED)/test/instances.json $(REAL)/instances.json $(REAL_2)/choose.json \
	  --images $(CHANGED)/test/images $(REAL) $(REAL_2)
