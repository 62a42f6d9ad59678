package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help teaches the command.
func (completionCmd) Help() string {
	return `Examples:
  source <(waxseal completion bash)
  waxseal completion zsh > "${fpath[1]}/_waxseal"
  waxseal completion fish > ~/.config/fish/completions/waxseal.fish`
}

// Run writes the script. It is made from the grammar itself, so it cannot lag behind.
func (c completionCmd) Run(s *session) error {
	words := completions(s.model.Node, "")
	var b strings.Builder
	switch c.Shell {
	case "bash":
		bashScript(&b, words)
	case "zsh":
		zshScript(&b, words)
	case "fish":
		fishScript(&b, words)
	}
	_, err := io.WriteString(s.out, b.String())
	return err
}

// completionNode is a command, what may follow it, and its flags with their values.
type completionNode struct {
	path  string // "" for waxseal itself, "keys new"
	words []completionWord
}

// completionWord is a command, a flag or an argument that can be typed.
type completionWord struct {
	word, help string
	values     []string // of a flag
	takes      bool     // a flag that takes a value
	flag       bool
}

// completions walks the grammar, a node for each command.
func completions(n *kong.Node, path string) []completionNode {
	here := completionNode{path: path}
	var below []completionNode
	for _, child := range n.Children {
		if child.Type != kong.CommandNode || child.Hidden {
			continue
		}
		here.words = append(here.words, completionWord{word: child.Name, help: child.Help})
		below = append(below, completions(child, strings.TrimSpace(path+" "+child.Name))...)
	}
	for _, arg := range n.Positional {
		for _, v := range values(arg) {
			here.words = append(here.words, completionWord{word: v})
		}
	}
	for _, group := range n.AllFlags(true) {
		for _, f := range group {
			here.words = append(here.words, completionWord{word: "--" + f.Name, help: f.Help, flag: true, takes: !f.IsBool(), values: values(f.Value)})
		}
	}
	return append([]completionNode{here}, below...)
}

// values lists what a flag or an argument may be, from its enum or values tag.
func values(v *kong.Value) []string {
	text := v.Enum
	if text == "" {
		text = v.Tag.Get("values")
	}
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

// list gives everything that can be typed behind the command.
func (n completionNode) list() string {
	out := make([]string, 0, len(n.words))
	for _, w := range n.words {
		out = append(out, w.word)
	}
	return strings.Join(out, " ")
}

func bashScript(b *strings.Builder, nodes []completionNode) {
	b.WriteString(`# bash completion for waxseal
_waxseal() {
  local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}" cmd="" words="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$cmd ${COMP_WORDS[i]}" in
`)
	for _, n := range nodes[1:] {
		parent, last := splitPath(n.path)
		fmt.Fprintf(b, "      %q) cmd=%q ;;\n", parent+" "+last, n.path)
	}
	b.WriteString("    esac\n  done\n  case \"$prev\" in\n")
	for _, w := range valueFlags(nodes) {
		if len(w.values) == 0 {
			fmt.Fprintf(b, "    %s) compopt -o default 2>/dev/null; COMPREPLY=(); return ;;\n", w.word)
			continue
		}
		fmt.Fprintf(b, "    %s) COMPREPLY=($(compgen -W %q -- \"$cur\")); return ;;\n", w.word, strings.Join(w.values, " "))
	}
	b.WriteString("  esac\n  case \"$cmd\" in\n")
	for _, n := range nodes {
		fmt.Fprintf(b, "    %q) words=%q ;;\n", n.path, n.list())
	}
	b.WriteString(`  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  if [[ ${#COMPREPLY[@]} -eq 0 ]]; then compopt -o default 2>/dev/null; fi
}
complete -F _waxseal waxseal
`)
}

func splitPath(path string) (parent, last string) {
	i := strings.LastIndexByte(path, ' ')
	if i < 0 {
		return "", path
	}
	return path[:i], path[i+1:]
}

// valueFlags gives each flag that takes a value once.
func valueFlags(nodes []completionNode) []completionWord {
	var out []completionWord
	seen := map[string]bool{}
	for _, n := range nodes {
		for _, w := range n.words {
			if w.flag && w.takes && !seen[w.word] {
				seen[w.word] = true
				out = append(out, w)
			}
		}
	}
	return out
}

func zshScript(b *strings.Builder, nodes []completionNode) {
	b.WriteString(`#compdef waxseal
# zsh completion for waxseal
_waxseal() {
  local cmd="" i
  local -a described
  for ((i = 2; i < CURRENT; i++)); do
    case "$cmd ${words[i]}" in
`)
	for _, n := range nodes[1:] {
		parent, last := splitPath(n.path)
		fmt.Fprintf(b, "      %s) cmd=%s ;;\n", single(parent+" "+last), single(n.path))
	}
	b.WriteString("    esac\n  done\n  case \"${words[CURRENT-1]}\" in\n")
	for _, w := range valueFlags(nodes) {
		if len(w.values) == 0 {
			fmt.Fprintf(b, "    %s) _files; return ;;\n", w.word)
			continue
		}
		fmt.Fprintf(b, "    %s) compadd -- %s; return ;;\n", w.word, strings.Join(w.values, " "))
	}
	b.WriteString("  esac\n  case \"$cmd\" in\n")
	for _, n := range nodes {
		fmt.Fprintf(b, "    %s) described=(", single(n.path))
		for _, w := range n.words {
			fmt.Fprintf(b, " %s", single(w.word+":"+w.help))
		}
		b.WriteString(" ) ;;\n")
	}
	b.WriteString(`  esac
  _describe waxseal described || _files
}
if [[ "$funcstack[1]" = _waxseal ]]; then _waxseal "$@"; else compdef _waxseal waxseal; fi
`)
}

// single quotes for zsh and sh.
func single(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func fishScript(b *strings.Builder, nodes []completionNode) {
	b.WriteString("# fish completion for waxseal\n")
	for _, n := range nodes {
		condition := fishCondition(nodes, n)
		for _, w := range n.words {
			help := strings.ReplaceAll(strings.ReplaceAll(w.help, `\`, `\\`), "'", `\'`)
			fmt.Fprintf(b, "complete -c waxseal -n '%s'", condition)
			switch {
			case !w.flag:
				fmt.Fprintf(b, " -f -a %s", w.word)
			case !w.takes:
				fmt.Fprintf(b, " -l %s", strings.TrimPrefix(w.word, "--"))
			case len(w.values) > 0:
				fmt.Fprintf(b, " -x -l %s -a '%s'", strings.TrimPrefix(w.word, "--"), strings.Join(w.values, " "))
			default:
				fmt.Fprintf(b, " -r -l %s", strings.TrimPrefix(w.word, "--"))
			}
			fmt.Fprintf(b, " -d '%s'\n", help)
		}
	}
}

// fishCondition holds where the node's command was typed and none below it.
func fishCondition(nodes []completionNode, n completionNode) string {
	var below []string
	for _, w := range n.words {
		if !w.flag && isCommand(nodes, strings.TrimSpace(n.path+" "+w.word)) {
			below = append(below, w.word)
		}
	}
	var terms []string
	for _, word := range strings.Fields(n.path) {
		terms = append(terms, "__fish_seen_subcommand_from "+word)
	}
	if len(below) > 0 {
		terms = append(terms, "not __fish_seen_subcommand_from "+strings.Join(below, " "))
	}
	return strings.Join(terms, "; and ")
}

func isCommand(nodes []completionNode, path string) bool {
	for _, n := range nodes {
		if n.path == path {
			return true
		}
	}
	return false
}
