package gateway

import (
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// says puts a broken rule into words that name the schema's side alone: what was
// sent may be anything.
func says(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.Required:
		return "is missing " + strings.Join(k.Missing, ", ")
	case *kind.Type:
		return "must be of type " + strings.Join(k.Want, " or ")
	case *kind.Enum:
		words := make([]string, len(k.Want))
		for i, w := range k.Want {
			words[i] = fmt.Sprint(w)
		}
		return "must be one of " + strings.Join(words, ", ")
	case *kind.Const:
		return fmt.Sprintf("must be %v", k.Want)
	case *kind.Format:
		return "must be a " + k.Want
	case *kind.Pattern:
		return "must match " + k.Want
	case *kind.MinLength:
		return fmt.Sprintf("must have %d characters or more", k.Want)
	case *kind.MaxLength:
		return fmt.Sprintf("must have %d characters or fewer", k.Want)
	case *kind.MinItems:
		return fmt.Sprintf("must have %d elements or more", k.Want)
	case *kind.MinProperties:
		return fmt.Sprintf("must have %d members or more", k.Want)
	case *kind.AdditionalProperties:
		return "has a member that the schema does not know"
	}
	return "does not fit the schema"
}
