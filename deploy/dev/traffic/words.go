package traffic

import "strings"

var states = []string{"sent", "delivered", "read"}

var first = strings.Fields(`Ana Ben Carla David Elena Farid Grace Hiro Ines Jonas Katya Luis Maria Nadia Omar Paula Quinn Rosa Sami Tara Uma Viktor Wanda Ximena Yusuf Zoe`)

var last = strings.Fields(`Adams Bauer Costa Diaz Evans Fischer Garcia Haddad Ivanova Jensen Kim Lopez Martin Novak Okafor Patel Quist Rossi Silva Tanaka Underwood Vargas Weber Xu Young Zeman`)

// words are those of a shop's conversations.
var words = strings.Fields(`
a about account add address afternoon again agree all almost already also always am amount an and another answer any anything appointment are around arrive arrived as ask at
available back bag bank be because been before best better between big bill birthday black blue book both box bring broken brother business but buy by call called can cancel card
cash change charge cheap check children choose city clean clear close closed code cold colour come company complaint confirm contact copy correct cost could country coupon credit
customer date day days deal dear deliver delivered delivery deposit description different difficult discount do document does done door double down draft during each early easy
either email empty end enough evening ever every everything exactly example exchange expected expensive explain extra family far fast fault february few fill find fine finish first
fit fix floor follow food for forgot form found free friday friend from front full get gift give glad go going good got great green guarantee had half hand happen happy has have
he hello help her here hi him his hold home hope hour house how however i idea if important in include information inside instead insurance into invoice is issue it its january
job july june just keep key kind know large last late later least leave left less let letter light like line link list little long look lost lot low made mail make manager many
march maybe me mean medium meeting message method might minutes missing model moment monday money month more morning most mother move much must my name near need never new next
nice night no noon not note nothing now number of off offer office often ok old on once one online only open option or order original other our out over own package paid paper
parcel part pay payment people perhaps phone photo pick picture piece place plan please point possible postal prefer price print problem product promise proof purchase put quality
quantity question quick quite ready really reason receipt receive received recommend red reference refund regards remember repair replace reply request reserve reservation return
right road room same saturday say second see seems sell send sent service several she shipping shop short should show sign since site size small so some something soon sorry
sound special spoke staff start state station still stock stop store street such sunday supplier sure system table take tax team tell terms than thank thanks that the their them
then there these they thing think this those through thursday ticket time to today together told tomorrow too total towards track transfer travel tried try tuesday two type under
understand until up update urgent us use used usual very visit wait want warehouse was way we website wednesday week weekend well were what when where which white who whole why
will window wish with within without wonder word work works worry would write wrong year yellow yes yesterday yet you your`)
