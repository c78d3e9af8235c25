"""Given names and the short forms people use for them.

Belongs here: the lists, as data. Does not: parsing and comparing (`core.names`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

# Full name: short forms. A short form may stand for several full names.
_SHORT = """
abigail: abby gail abbie|abraham: abe|adelaide: addie|agnes: aggie|albert: al bert bertie
alexander: alex al sandy xander lex alec sasha|alexandra: alex sandra sandy lexi alexa sasha
alexis: alex lexi|alfred: al fred alf alfie|allison: ali ally|amanda: mandy amy
anastasia: ana stacy|andrea: andie andy|andrew: andy drew|angela: angie|ann: annie nan
anna: ann annie ana|anthony: tony ant|antonio: tony|antonia: toni|arnold: arnie|arthur: art artie
augustus: gus|barbara: barb babs barbie|barnabas: barney|bartholomew: bart|beatrice: bea trixie
belinda: bel linda|benjamin: ben benny benji|bernard: bernie barney|bradley: brad|brandon: brand
calvin: cal|cameron: cam|carolyn: carol carrie lynn|caroline: carol carrie caro|casey: case
cassandra: cassie sandra|catherine: cathy cate cat kate kathy katie cath|cecilia: cissy
charles: charlie chuck chas charley chaz|charlotte: lottie charlie char|christian: chris
christina: chris tina chrissy christy|christine: chris tina chrissy christy
christopher: chris kit topher|clarence: clancy|clifford: cliff|clinton: clint|constance: connie
cornelius: neil|curtis: curt|cynthia: cindy|daniel: dan danny|danielle: dani|david: dave davey
deborah: deb debbie debby debra|dennis: denny|dolores: lola|dominic: dom nick
donald: don donny donnie|dorothy: dot dottie dolly|douglas: doug|dwight: ike|edgar: ed
edmund: ed ned|edward: ed eddie ted ned teddy|edwin: ed eddie|eleanor: ellie nell nora
elijah: eli|elizabeth: liz beth betty betsy lizzie eliza lisa libby bess liza elisabeth
emily: em emmy|emma: em emmy|erica: ricky|eric: rick|ernest: ernie|eugene: gene|evelyn: eve evie
ezekiel: zeke|florence: flo|frances: fran frankie francie|francis: frank fran
francisco: frank paco pancho|franklin: frank|frederick: fred freddy freddie fritz rick
gabriel: gabe|gabrielle: gabby|geoffrey: geoff jeff|george: georgie|gerald: gerry jerry
geraldine: gerry|gilbert: gil bert|gregory: greg|guillermo: memo|harold: hal harry
harriet: hattie|helen: nell ellie|henry: hank harry|herbert: herb bert|howard: howie|hubert: hugh
ignacio: nacho|irving: irv|isaac: ike|isabel: bella izzy isa|isabella: bella izzy isa
jacob: jake jay|jacqueline: jackie|jaime: jim|james: jim jimmy jamie jas|janet: jan|janice: jan
jason: jay|jasmine: jazz|jeffrey: jeff|jennifer: jen jenny jenn|jeremiah: jerry|jeremy: jerry jem
jerome: jerry|jessica: jess jessie|joan: joanie|joanna: jo|joanne: jo
john: jack johnny jon johnnie|jonathan: jon nathan jonny john|jordan: jordy|jose: pepe
joseph: joe joey jos|josephine: jo josie|joshua: josh|judith: judy|julia: jules julie
julian: jules|juliet: jules|katherine: kate kathy katie kat kath kay kitty
kathleen: kathy kath kate katie|kathryn: kathy kate katie kat|kenneth: ken kenny|kevin: kev
kimberly: kim|kristen: kris|kristin: kris|kristina: kris tina kristy|larry: laurence
laura: laurie|lawrence: larry laurie|leonard: len lenny leo|leonardo: leo|leslie: les
lewis: lew lou|lillian: lily lil|linda: lin|louis: lou louie|louise: lou|lucas: luke
lucille: lucy|lydia: liddy|madeline: maddie|madison: maddie|magdalena: maggie lena|malcolm: mal
manuel: manny|marcus: mark marc|margaret: peggy maggie meg marge margie peg greta daisy rita
maria: mary|marilyn: mary|marjorie: marge margie|marvin: marv|mary: molly polly mae mamie
martha: marty|martin: marty|matilda: tilly mattie|matthew: matt mat matty|maureen: mo
maxwell: max|maximilian: max|megan: meg|melanie: mel|melissa: mel missy lissa|melvin: mel
michael: mike mick mikey mickey micky|michelle: shelly micki shell|mildred: millie|miriam: mimi
mitchell: mitch|mohammed: mo mohammad muhammad mohamed|montgomery: monty|morris: mo|nancy: nan
natalie: nat|natasha: tasha|nathan: nate nat|nathaniel: nate nathan nat|nicholas: nick nicky nico
nicole: nikki nicky|norman: norm|oliver: ollie|olivia: liv livvy|oscar: ozzie|pamela: pam
patricia: pat patty trish tricia patsy patti|patrick: pat paddy rick|paula: polly|pauline: polly
penelope: penny|peter: pete|philip: phil pip phillip|phyllis: phyl|preston: pres|priscilla: cilla
quentin: quinn|rachel: rach shelly|ralph: rafe|randall: randy|randolph: randy|raymond: ray
rebecca: becky becca bec|reginald: reg reggie|reuben: rube|ricardo: rick ricky
richard: rick dick rich richie ricky|robert: bob rob bobby robbie bert|roberta: bobbie
roderick: rod|rodney: rod|roger: rog|roland: rollie|ronald: ron ronnie ronny|rosemary: rosie rose
roxanne: roxy|rudolph: rudy|russell: russ rusty|samantha: sam sammy|samson: sam|samuel: sam sammy
sandra: sandy|sarah: sally sadie sara|sebastian: seb|sharon: shari|sheldon: shelly|shirley: shirl
sidney: sid|solomon: sol|sophia: sophie|stanley: stan|stephanie: steph steffie
stephen: steve stevie|steven: steve stevie|stuart: stu|susan: sue susie suzy|susanna: sue susie
sylvester: sly|sylvia: syl|tabitha: tabby|teresa: terry tess tessa terri|terence: terry
terrence: terry|theodore: ted theo teddy|theresa: terry tess tessa terri|thomas: tom tommy thom
tiffany: tiff|timothy: tim timmy|tobias: toby|tracy: trace|valentina: val|valerie: val
vanessa: nessa|veronica: ronnie roni|victor: vic|victoria: vicky vicki tori vic
vincent: vince vinny vin|virgil: virg|virginia: ginny ginger|vivian: viv|walter: walt wally
wendell: wendy|wesley: wes|wilfred: wil will fred|william: bill will billy willie willy liam
winifred: winnie|winston: win|yolanda: yoli|yvonne: eve|zachary: zach zack zac
"""
_PLAIN = """
aaron ada adam adrian ahmed alan alana albert alice alicia allan allen alma alvin amber amelia
amy ana andre angel anita anne april ariel ashley aubrey audrey austin ava barry beth betty
beverly blake bobby bonnie brad brady brandy brenda brent brett brian brianna bridget brittany
brooke bruce bruno bryan bryant byron caleb camille carl carla carlos carmen carol carrie carter
cecil chad charlene chase chelsea cheryl chloe claire clara claudia clayton cody cole colin
colleen connor corey courtney craig crystal cyrus daisy dale damon dana daphne darlene darrell
darren dawn dean debra denise derek desmond diana diane dianne diego dmitri don donna doris drew
duane dustin dylan earl eddie edith eduardo eileen elaine elena eli elisa ella ellen elmer elsie
emilio enrique erik erin ernesto esther ethan eva evan fatima felix fernando frank gail garrett
gary gavin gina glen glenn gloria gordon grace graham grant greta guy hannah harry harvey hassan
heather hector heidi herman hilary hope hugo hunter ian ibrahim ida igor ingrid irene iris
isaiah ivan jack jackson jamal jan jane jared jasper javier jay jean jeanette jeanne jenna jerry
jesse jesus jill jillian joaquin joe joel jorge joy joyce juan juanita judy julie julio june
justin kara karen karl karla kate katie kayla keith kelly kelsey kendra kent kerry kirk kris
kristen kurt kyle lana lance landon lara latoya lauren leah lee lena leo leon leroy liam lillie
lisa lloyd logan lois lori lorraine louise lucia lucy luis luke luther lynn mabel mack mandy
marc marcia marco mario marion mark marlene marlon marshall mason max maya melinda melody
mercedes meredith michaela miguel mike miles milton minnie misty moira molly monica morgan myra
myron naomi neil nelson nina noah noel nora norma olga omar opal oscar otis owen pablo paige
patti paul pearl pedro perry peter phoebe quincy rafael ramon ramona raul regina rene renee
rhonda rick riley rita robin rocco rosa rosalie rose ross roy ruben ruby ruth ryan sabrina sally
salvador sandy scott sean selena serena sergio seth shane shannon shaun shawn sheila shelby
shelly sheri sherry sierra silvia simon sonia spencer stacey stacy stella sylvia tamara tammy
tanya tara taylor ted tina todd tom toni tony tonya travis trevor trisha troy tyler tyrone
valeria vera vernon vicki vince viola violet vivian wade wanda warren wayne wendy wilma xavier
yasmin yusuf yvette zoe
""".split()


def _formal() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, list[str]] = defaultdict(list)
    for line in _SHORT.strip().replace("\n", "|").split("|"):
        full, _, short = line.partition(":")
        for name in short.split():
            found[name].append(full.strip())
    return {short: tuple(full) for short, full in found.items()}


FORMAL: Mapping[str, tuple[str, ...]] = _formal()
"""Full names a short form stands for."""
GIVEN_NAMES = frozenset(_PLAIN) | frozenset(FORMAL) | {n for full in FORMAL.values() for n in full}
"""Names that mark a text as a person's."""
