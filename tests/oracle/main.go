// The oracle prints what BuildKit itself makes of Dockerfiles: one JSON request a line in, one JSON answer a line out.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync/atomic"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/pkg/errors"

	"oracle/dockerfile2llb"
)

type request struct {
	Dockerfile    []byte              `json:"dockerfile"` // base64
	Target        string              `json:"target"`
	BuildArgs     map[string]string   `json:"build_args"`
	BuildContexts []string            `json:"build_contexts"`
	ImageOnbuild  map[string][]string `json:"image_onbuild"`
	AllStages     bool                `json:"all_stages"`
	Platform      string              `json:"platform"`
}

type heredoc struct {
	Name    []byte `json:"name"`
	Expand  bool   `json:"expand"`
	Chomp   bool   `json:"chomp"`
	Content []byte `json:"content"`
}

// Texts are base64 ([]byte): a Dockerfile need not be UTF-8.
type instruction struct {
	Keyword  []byte       `json:"keyword"`
	Start    int          `json:"start"`
	End      int          `json:"end"`
	Flags    [][]byte     `json:"flags"`
	Words    [][]byte     `json:"words"`
	JSON     bool         `json:"json"`
	Heredocs []heredoc    `json:"heredocs"`
	Trigger  *instruction `json:"trigger,omitempty"`
}

type warning struct {
	Rule    string `json:"rule"`
	Message string `json:"message"`
	Line    int    `json:"line"`
}

type answer struct {
	OK           bool                        `json:"ok"`
	Parsed       bool                        `json:"parsed"`
	Escape       string                      `json:"escape"`
	Instructions []instruction               `json:"instructions"`
	FailedAt     string                      `json:"failed_at,omitempty"`
	Error        string                      `json:"error,omitempty"`
	ErrorLines   []int                       `json:"error_lines,omitempty"`
	Exported     string                      `json:"exported"` // what the exported Dockerfile2LLB says of the same file
	HitsImage    bool                        `json:"hits_image"`
	TargetIndex  int                         `json:"target_index"`
	Stages       []dockerfile2llb.StageFacts `json:"stages"`
	Edges        []dockerfile2llb.EdgeFacts  `json:"edges"`
	Warnings     []warning                   `json:"warnings"`
	Endless      bool                        `json:"endless"` // BuildKit has no answer
	Panic        string                      `json:"panic,omitempty"`
}

// images answers for every image without a network: a config for the platform asked for, with one layer.
type images struct {
	onbuild map[string][]string
	left    *atomic.Int64
}

// imageLimit is how many images one Dockerfile may ask for. BuildKit asks without end where an image's ONBUILD trigger
// copies from, or mounts, that image: each round of resolveStages adds one more state of it.
const imageLimit = 2000

var errEndless = errors.New("oracle: BuildKit would go on without end")

func familiar(name string) string {
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return name
	}
	full := reference.FamiliarString(named)
	if _, ok := named.(reference.Digested); !ok {
		full = strings.TrimSuffix(full, ":latest")
	}
	return full
}

func (r images) ResolveImageConfig(_ context.Context, ref string, opt sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	if r.left.Add(-1) < 0 {
		return "", "", nil, errEndless
	}
	var img dockerspec.DockerOCIImage
	img.Platform = ocispecs.Platform{OS: "linux", Architecture: "amd64"}
	if opt.ImageOpt != nil && opt.ImageOpt.Platform != nil {
		img.Platform = *opt.ImageOpt.Platform
	}
	img.RootFS = ocispecs.RootFS{Type: "layers", DiffIDs: []digest.Digest{digest.FromString("layer")}}
	img.Config.OnBuild = r.onbuild[familiar(ref)]
	dt, err := json.Marshal(img)
	return ref, "", dt, err
}

// gateway is a BuildKit client that knows its options and nothing else.
type gateway struct {
	client.Client
	opts map[string]string
}

func (g gateway) BuildOpts() client.BuildOpts {
	return client.BuildOpts{Opts: g.opts, LLBCaps: pb.Caps.CapSet(pb.Caps.All())}
}

func read(node *parser.Node) instruction {
	out := instruction{
		Keyword: []byte(node.Value), Start: node.StartLine, End: node.EndLine, JSON: node.Attributes["json"],
		Flags: [][]byte{}, Words: [][]byte{}, Heredocs: []heredoc{},
	}
	for _, flag := range node.Flags {
		out.Flags = append(out.Flags, []byte(flag))
	}
	for _, doc := range node.Heredocs {
		content := doc.Content
		if doc.Chomp {
			content = parser.ChompHeredocContent(content)
		}
		out.Heredocs = append(out.Heredocs, heredoc{[]byte(doc.Name), doc.Expand, doc.Chomp, []byte(content)})
	}
	for next := node.Next; next != nil; next = next.Next {
		if len(next.Children) > 0 {
			trigger := read(next.Children[0])
			out.Trigger = &trigger
			continue
		}
		out.Words = append(out.Words, []byte(next.Value))
	}
	return out
}

func answerTo(req request) (out answer) {
	defer func() {
		if r := recover(); r != nil {
			out = answer{Panic: fmt.Sprint(r)}
		}
	}()
	out = answer{Instructions: []instruction{}, Warnings: []warning{}, Stages: []dockerfile2llb.StageFacts{}, Edges: []dockerfile2llb.EdgeFacts{}}
	if parsed, err := parser.Parse(bytes.NewReader(req.Dockerfile)); err == nil {
		out.Parsed, out.Escape = true, string(parsed.EscapeToken)
		for _, node := range parsed.AST.Children {
			out.Instructions = append(out.Instructions, read(node))
		}
	}

	build := platforms.MustParse("linux/amd64")
	target := build
	if req.Platform != "" {
		target = platforms.Normalize(platforms.MustParse(req.Platform))
	}
	onbuild := map[string][]string{}
	for name, triggers := range req.ImageOnbuild {
		onbuild[familiar(name)] = triggers
	}
	opts := map[string]string{}
	for _, name := range req.BuildContexts {
		opts["context:"+name] = "docker-image://scratch"
	}
	named, err := dockerui.NewClient(gateway{opts: opts})
	if err != nil {
		panic(err)
	}
	options := func(warn linter.LintWarnFunc) dockerfile2llb.ConvertOpt {
		left := &atomic.Int64{}
		left.Store(imageLimit)
		args := map[string]string{}
		for name, value := range req.BuildArgs {
			args[name] = value
		}
		caps := pb.Caps.CapSet(pb.Caps.All())
		return dockerfile2llb.ConvertOpt{
			Config: dockerui.Config{
				Target: req.Target, BuildArgs: args, BuildPlatforms: []ocispecs.Platform{build},
			},
			TargetPlatform: &target,
			MetaResolver:   images{onbuild, left},
			LLBCaps:        &caps,
			AllStages:      req.AllStages,
			Warn:           warn,
		}
	}
	collect := func(rule, _, _, message string, location []parser.Range) {
		found := warning{Rule: rule, Message: message}
		if len(location) > 0 {
			found.Line = location[0].Start.Line
		}
		out.Warnings = append(out.Warnings, found)
	}
	ignore := func(string, string, string, string, []parser.Range) {}
	ctx := context.Background()
	facts := dockerfile2llb.Convert(ctx, req.Dockerfile, options(collect), named)
	out.OK, out.FailedAt, out.HitsImage, out.TargetIndex = facts.Err == nil, facts.FailedAt, facts.HitsImage, facts.TargetIndex
	if facts.Stages != nil {
		out.Stages, out.Edges = facts.Stages, facts.Edges
	}
	for i := range out.Stages {
		out.Stages[i].Base.Image = shown(out.Stages[i].Base.Image)
	}
	for i := range out.Edges {
		out.Edges[i].From.Image = shown(out.Edges[i].From.Image)
	}
	out.Endless = errors.Is(facts.Err, errEndless)
	if facts.Err != nil {
		out.Error = facts.Err.Error()
		var located *parser.LocationError
		if errors.As(facts.Err, &located) {
			for _, ranges := range located.Locations {
				for _, each := range ranges {
					out.ErrorLines = append(out.ErrorLines, each.Start.Line)
				}
			}
		}
	}
	// Without named contexts: the exported function takes them from a client only, which would also ask for the context.
	if _, err := dockerfile2llb.Dockerfile2LLB(ctx, req.Dockerfile, options(ignore)); err != nil {
		out.Exported = err.Error()
	}
	return out
}

func shown(image string) string {
	if image == "" {
		return ""
	}
	return familiar(image)
}

func main() {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for {
		line, err := in.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			var req request
			if bad := json.Unmarshal(line, &req); bad != nil {
				fmt.Fprintln(os.Stderr, bad)
				os.Exit(2)
			}
			if bad := encoder.Encode(answerTo(req)); bad != nil {
				os.Exit(2)
			}
			// Answers wait only while more requests are at hand.
			if in.Buffered() == 0 {
				out.Flush()
			}
		}
		if err != nil {
			out.Flush()
			return
		}
	}
}
