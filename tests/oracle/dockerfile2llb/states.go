package dockerfile2llb

// This file joins BuildKit's own package (its sources are copied beside it when the oracle is built, unchanged), because
// the states that the conversion goes through are not exported. It runs the same steps as toDispatchState in convert.go,
// in the same order, and looks at the states after each. That the steps are still the same is itself checked: the
// program reports what the exported Dockerfile2LLB says of the same file, and the tests want both to agree.

import (
	"bytes"
	"context"
	"path"
	"slices"
	"strconv"

	"github.com/moby/buildkit/client/llb/imagemetaresolver"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/pkg/errors"
)

// Origin is what a stage starts from or an edge comes from: a stage's index, an image as BuildKit has it, or scratch.
type Origin struct {
	Stage   *int   `json:"stage,omitempty"`
	Image   string `json:"image,omitempty"`
	Scratch bool   `json:"scratch,omitempty"`
}

// StageFacts is one FROM section.
type StageFacts struct {
	Index        int      `json:"index"`
	Name         *string  `json:"name"`
	Base         Origin   `json:"base"`
	Reachable    bool     `json:"reachable"`
	NamedContext bool     `json:"named_context"`
	ContextPaths []string `json:"context_paths"`
}

// EdgeFacts is one dependency of a stage by COPY --from or a mount.
type EdgeFacts struct {
	To   int    `json:"to"`
	Via  string `json:"via"`
	From Origin `json:"from"`
}

// Facts is what BuildKit's conversion makes of a Dockerfile.
type Facts struct {
	Stages      []StageFacts
	Edges       []EdgeFacts
	TargetIndex int
	FailedAt    string
	// HitsImage says that an index past the last stage landed on the state of an image that another COPY names.
	HitsImage bool
	Err       error
}

type run struct {
	facts   *Facts
	dctx    *dispatchContext
	count   int
	origins map[*dispatchState]string
	froms   map[*instructions.RunCommand][]string
}

// Convert goes through the steps of toDispatchState. named looks up named contexts as a build's client does.
func Convert(ctx context.Context, dt []byte, opt ConvertOpt, named *dockerui.Client) *Facts {
	r := &run{facts: &Facts{TargetIndex: -1}, origins: map[*dispatchState]string{}, froms: map[*instructions.RunCommand][]string{}}
	r.facts.Err = r.convert(ctx, dt, opt, named)
	if r.facts.Err == nil {
		r.facts.FailedAt = ""
	}
	return r.facts
}

func (r *run) at(step string) { r.facts.FailedAt = step }

func (r *run) convert(ctx context.Context, dt []byte, opt ConvertOpt, named *dockerui.Client) error {
	r.at("parse")
	if len(dt) == 0 {
		return errors.Errorf("the Dockerfile cannot be empty")
	}
	r.at("lint options")
	lint, err := newRuleLinter(dt, &opt)
	if err != nil {
		return err
	}
	r.at("parse")
	dockerfile, err := parser.Parse(bytes.NewReader(dt))
	if err != nil {
		return err
	}
	for _, warning := range dockerfile.Warnings {
		if warning.URL == linter.RuleNoEmptyContinuation.URL {
			location := []parser.Range{*warning.Location}
			lint.Run(&linter.RuleNoEmptyContinuation, location, linter.RuleNoEmptyContinuation.Format())
		}
	}
	r.at("instructions")
	stages, argCmds, err := instructions.Parse(dockerfile.AST, lint)
	if err != nil {
		return err
	}
	r.at("nostages")
	if len(stages) == 0 {
		return errors.New("dockerfile contains no stages to build")
	}
	validateStageNames(stages, lint)
	validateCommandCasing(stages, lint)

	platformOpt := buildPlatformOpt(&opt)
	targetName := opt.Target
	if targetName == "" {
		targetName = stages[len(stages)-1].Name
	}
	globalArgs := defaultArgs(platformOpt, opt.BuildArgs, targetName)
	shlex := shell.NewLex(dockerfile.EscapeToken)
	outline := newOutlineCapture()
	validateBaseImagesWithDefaultArgs(stages, shlex, globalArgs, argCmds, lint)
	r.at("buildMetaArgs")
	globalArgs, outline.allArgs, err = buildMetaArgs(globalArgs, shlex, argCmds, opt.BuildArgs)
	if err != nil {
		return err
	}
	dctx := &dispatchContext{
		opt:               opt,
		platformOpt:       platformOpt,
		globalArgs:        globalArgs,
		shlex:             shlex,
		outline:           outline,
		lint:              lint,
		metaResolver:      opt.MetaResolver,
		allDispatchStates: newDispatchStates(),
		proxyEnv:          proxyEnvFromBuildArgs(opt.BuildArgs),
		namedContext:      namedContextFunc(opt),
	}
	if dctx.metaResolver == nil {
		dctx.metaResolver = imagemetaresolver.Default()
	}
	if named != nil {
		withClient := opt
		withClient.Client = named
		dctx.namedContext = namedContextFunc(withClient)
	}
	r.dctx = dctx
	r.at("sourceDateEpoch")
	if value, ok := getBuildArgValue(opt.BuildArgs, globalArgs, "SOURCE_DATE_EPOCH"); ok {
		dctx.epoch, err = resolveSourceDateEpochValue(ctx, value, opt, stages, globalArgs, shlex)
		if err != nil {
			return err
		}
		dctx.globalArgs = setBuildArgValue(opt.BuildArgs, globalArgs, "SOURCE_DATE_EPOCH", formatSourceDateEpochValue(dctx.epoch))
	}

	r.at("buildDispatchStates")
	if err := dctx.buildDispatchStates(stages); err != nil {
		return err
	}
	r.count = len(dctx.allDispatchStates.states)
	r.look(nil)
	r.at("resolveTarget")
	target, err := dctx.resolveTarget()
	if err != nil {
		return err
	}
	r.facts.TargetIndex = slices.Index(dctx.allDispatchStates.states, target)
	r.at("buildStageDependencyGraph")
	err = dctx.buildStageDependencyGraph()
	r.look(nil)
	if err != nil {
		return err
	}
	r.at("resolveStages")
	allReachable, err := dctx.resolveStages(ctx, target)
	r.look(nil)
	if err != nil {
		return err
	}
	r.at("dispatchStages")
	r.look(allReachable)
	ctxPaths, buildContext, err := dctx.dispatchStages(ctx, allReachable, target)
	r.look(allReachable)
	if err != nil {
		return err
	}
	r.at("finalizeResultImage")
	return dctx.finalizeResultImage(ctx, target, ctxPaths, buildContext)
}

// look takes down the states as they stand now.
func (r *run) look(reachable map[*dispatchState]struct{}) {
	states := r.dctx.allDispatchStates.states
	r.facts.Stages, r.facts.Edges = []StageFacts{}, []EdgeFacts{}
	for i, d := range states[:r.count] {
		facts := StageFacts{Index: i, Base: r.base(d), NamedContext: d.namedContext != nil, ContextPaths: []string{}}
		if d.stage.Name != "" {
			facts.Name = &d.stage.Name
		}
		_, facts.Reachable = reachable[d]
		for p := range d.ctxPaths {
			facts.ContextPaths = append(facts.ContextPaths, path.Join("/", p))
		}
		slices.Sort(facts.ContextPaths)
		r.facts.Stages = append(r.facts.Stages, facts)
		for _, cmd := range d.commands {
			r.edges(i, cmd)
		}
	}
}

func (r *run) base(d *dispatchState) Origin {
	if d.base != nil {
		return r.origin(d.base)
	}
	if d.namedContext != nil && d.stage.BaseName == emptyImageName {
		return Origin{Image: emptyImageName}
	}
	return r.image(d)
}

func (r *run) origin(d *dispatchState) Origin {
	if i := slices.Index(r.dctx.allDispatchStates.states[:r.count], d); i >= 0 {
		return Origin{Stage: &i}
	}
	return r.image(d)
}

// image gives the image of a state by the name that it had before resolving made it a full reference.
func (r *run) image(d *dispatchState) Origin {
	if _, ok := r.origins[d]; !ok {
		r.origins[d] = d.stage.BaseName
	}
	if r.origins[d] == emptyImageName {
		return Origin{Scratch: true}
	}
	return Origin{Image: r.origins[d]}
}

func (r *run) edges(to int, cmd command) {
	switch c := cmd.Command.(type) {
	case *instructions.CopyCommand:
		for _, src := range cmd.sources {
			if index, err := strconv.Atoi(c.From); err == nil && index >= r.count {
				r.facts.HitsImage = true
			}
			r.edge(to, "COPY --from", src)
		}
	case *instructions.RunCommand:
		mounts := instructions.GetMounts(c)
		if _, ok := r.froms[c]; !ok {
			// Before a stage runs: running it gives cache mounts the source "scratch".
			for _, mount := range mounts {
				r.froms[c] = append(r.froms[c], mount.From)
			}
		}
		for i, src := range cmd.sources {
			if src == nil || i >= len(r.froms[c]) {
				continue
			}
			isCache := i < len(mounts) && mounts[i].Type == instructions.MountTypeCache
			if r.froms[c][i] != "" || (isCache && !src.unregistered) {
				r.edge(to, "RUN --mount=from", src)
			}
		}
	}
}

func (r *run) edge(to int, via string, src *dispatchState) {
	edge := EdgeFacts{To: to, Via: via, From: r.origin(src)}
	for _, known := range r.facts.Edges {
		sameStage := (known.From.Stage == nil) == (edge.From.Stage == nil) &&
			(known.From.Stage == nil || *known.From.Stage == *edge.From.Stage)
		if known.To == to && known.Via == via && sameStage && known.From.Image == edge.From.Image && known.From.Scratch == edge.From.Scratch {
			return
		}
	}
	r.facts.Edges = append(r.facts.Edges, edge)
}
