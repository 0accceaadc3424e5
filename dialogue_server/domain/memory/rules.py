# ruff: noqa: E501 - a pattern is read as a whole
"""What people say of themselves, as patterns: the rules by which facts are recognised.

Patterns are held against a casefolded sentence with plain apostrophes. Each table lists, by
language, (kind, importance from 0 to 1, patterns); a sentence may meet several. A kind is also a
topic of topics.py where that has one of its name.
"""

from __future__ import annotations

import re

_I = r"\b(?:i|we|i've|i'd|we've|we'd)\b"
_I_DO = rf"{_I}(?: \w+)?"
"""With an adverb, an auxiliary verb or nothing between."""
_AM = r"\b(?:i am|i'm|we are|we're|i was|i used to be|i have been|i've been)\b"
_WILL = r"\b(?:i will|i'll|i shall|we will|we'll|i won't|i will not|i'd never|i will never)\b"
_MY = r"\b(?:my|our)(?: \w+){0,2}?"

ENGLISH = (
    (
        "name", 1.0,
        r"\bmy (?:full |real |true |own )?name(?: is|'s|,)", r"\bname's\b",
        r"\b(?:call|calls|called|named|christened|know|knows|knew) (?:me|us)\b", r"\bi go by\b",
    ),
    (
        "origin", 0.8,
        rf"{_AM}(?: originally)? (?:from|born|raised)\b", r"\bi was (?:born|raised)\b",
        rf"{_I} (?:come|came|hail|hailed|grew up|stem) (?:from|out of|up|in)\b", r"\bwhere i grew\b",
        r"\b(?:my|our) (?:home|hometown|village|birthplace|cradle|people|homeland)\b",
        r"\b(?:i|we) lived? in\b",
    ),
    (
        "work", 0.7,
        rf"{_AM} an? (?!child|boy|girl|little|bit|fool|moment)\w+", r"\bby trade\b",
        r"\b(?:make|made|earn|earned|for) (?:a|my) (?:living|bread|wage)\b",
        r"\bmy (?:trade|craft|job|work|profession)\b", r"\bso am i\b",
        rf"{_I} (?:work|worked|served|serve|apprenticed|trained|studied|sailed|rode|ran)\b",
    ),
    (
        "family", 0.7,
        rf"{_MY} (?:brother|sister|twin|mother|father|mum|mom|dad|parents|wife|husband|son|daughter|"
        r"children|child|uncle|aunt|cousin|nephew|niece|grand\w+|family|fianc\w+)\b",
        r"\bmy (?:\w+ )?(?:boys?|girls?|lad|lass|youngest|eldest|little ones?|kids?)\b",
        r"\bi (?:have|had|'ve|have got|'ve got) (?:a|an|two|three|no) (?:\w+ )?(?:brother|sister|son|"
        r"daughter|twin|wife|husband|child)",
        rf"{_AM} (?:married|betrothed|engaged|widowed|an orphan)\b",
        rf"{_I_DO} (?:married|wed)\b", r"\band i (?:are|were|got) (?:wed|married)\b",
    ),
    (
        "age", 0.7,
        rf"{_AM} \S+ years old\b", r"\bmy birthday\b", r"\bi turn(?:ed)? \w+", r"\byears old\b",
    ),
    (
        "have", 0.6,
        r"\b(?:i have|i've got|i own|i carry|i keep|we have|i inherited|i bought)\b"
        r" (?!to\b|no idea|a question|heard|seen|been|work)",
        rf"{_MY} (?:dog|cat|horse|mule|donkey|bird|sword|bow|knife|axe|shield|ring|locket|amulet|"
        r"boat|ship|house|farm|map|book|lute|fiddle|staff|cloak|key)\b",
        r"\bis mine\b", r"\bnamed? (?:him|her|it)\b",
    ),
    (
        "like", 0.6,
        rf"{_I_DO} (?:love|like|adore|enjoy|prefer)d?\b(?! (?:what|how|it|th))",
        r"\b(?:my|our) favou?rite\b", r"\bmakes? me (?:\w+ )?happ", r"\bnothing (?:is )?better\b",
        rf"{_AM} (?:very |so |rather )?(?:fond|partial|keen|happiest)\b",
    ),
    (
        "dislike", 0.6,
        rf"{_I_DO} (?:hate|detest|loathe|despise|dislike)(?:d|ed)?\b", r"\banything but\b",
        rf"{_I} (?:can't|cannot|could never|don't|won't) (?:stand|bear|abide|like|touch)\b",
        r"\bi (?:never|don't|won't|cannot|can't|refuse to) (?:eat|drink|touch)\b", r"\bi swore off\b",
    ),
    (
        "fear", 0.8,
        rf"{_AM}(?: \w+){{0,2}}? (?:afraid|scared|terrified|frightened|fearful) of\b",
        rf"{_I_DO} (?:fear|dread)(?:ed)?\b", rf"{_MY} (?:fear|fears|horror|terror|nightmare)\b",
        r"\b(?:frighten|scare|terrif|unsettle|unnerve)\w* me\b", r"\bnightmares?\b",
        r"\b(?:horror|terror|dread) of\b",
        rf"{_I} (?:shake|shiver|tremble|shudder|sweat|panic|freeze|faint)\b",
        rf"{_MY} (?:hands|knees|heart|skin|blood|stomach) (?:\w+ )?(?:sweat|shak|stop|crawl|run|turn)",
        r"\bmake my skin\b",
    ),
    (
        "health", 0.75,
        r"\ballerg\w+\b", r"\bi (?:can't|cannot|mustn't) (?:eat|drink|see|hear|swim|walk)",
        rf"{_MY} (?:leg|knee|arm|hand|eye|eyes|back|shoulder|foot|ear|heart|lungs)\b",
        r"\b(?:makes?|made|gives?) me (?:\w+ )*?(?:ill|sick|sneeze|cough|headache|rash)\b",
        r"\bi broke my\b", r"\bturns my stomach\b", r"\b(?:aches?|hurts?) (?:when|since|every|ever)\b",
        r"\bcost (?:me|us)\b.*\b(?:finger|toe|eye|ear|hand|foot|leg|arm|teeth|tooth)",
        r"\b(?:scars?|limp|wound|rash|fever)\b", r"\b(?:doctors?|healers?|physicians?)\b.* me\b",
    ),
    (
        "friend", 0.7,
        rf"{_MY} friends?\b", r"\b(?:been|are|were) friends\b", r"\byou can trust\b",
        r"\bi(?:'d| would)? trust\b", r"\bbelieved in me\b", r"\blike a (?:brother|sister) to me\b",
    ),
    (
        "plan", 0.6,
        rf"{_AM} (?:looking|searching|hunting|saving|hoping|planning|trying|here|sent|after)\b",
        rf"{_AM} on the (?:trail|track|run|way)\b", r"\bi was sent\b", r"\bi've been searching\b",
        rf"{_I_DO} (?:plan|hope|intend|dream|mean|seek|wish|want)\b", r"\breason i\b", r"\ball i want\b",
        rf"{_MY} (?:dream|plan|goal|wish|quest|hope|ambition)\b", r"\bonce i(?:'m| am)\b",
        r"\b(?:i travel|i'm bound|i am bound|on my way|heading for|headed for|moving to)\b",
    ),
    ("need", 0.4, rf"{_I} need\b"),
    (
        "skill", 0.6,
        r"\b(?:taught|teach|trained|learn|learned|learnt|learning)\b", r"\bi can \w+", r"\bgood at\b",
        rf"{_I_DO} (?:play|ride|write|paint|sing|read)\b",
    ),
    (
        "faith", 0.7,
        rf"{_I_DO} (?:pray|worship|believe in)\b", rf"{_MY} (?:god|goddess|faith|patron)\b",
    ),
    (
        "secret", 0.9,
        r"\bsecret\b", r"\bbetween (?:you and me|us)\b", r"\bdon't tell\b", r"\bnever told\b",
        r"\bconfess", r"\b(?:the truth is|truth be told|nobody knows|no one knows|tell no one)\b",
        r"\b(?:nobody|no one) (?:must|may|can|should) (?:ever )?know\b", r"\bit was me\b",
        r"\btold (?:nobody|no one)\b", r"\byou (?:won't|will not|will never|mustn't) (?:repeat|tell)\b",
        rf"{_I_DO} (?:hid|buried|sewed|smuggled)\b", r"\b(?:hidden|buried|sewn|stashed)\b",
    ),
    ("deed", 0.7, rf"{_I_DO} (?:killed|slew|murdered|stole|robbed|betrayed|lied|fled|cheated)\b"),
    (
        "deed", 0.4,
        rf"{_I_DO} (?:found|lost|saved|met|broke|won|fought|left|rescued|once)\b",
    ),
    (
        "debt", 0.8,
        r"\b(?:i|we|still) owed?\b", r"\bowes? me\b", r"\bi (?:borrowed|lent)\b", rf"{_MY} debts?\b",
        r"\bin \S+(?: \S+)? debt\b", r"\b(?:pay up|pay back|repay)\b",
    ),
    ("feud", 0.7, r"\brevenge\b", r"\bavenge\b", r"\bscore to settle\b", rf"{_MY} enem",
     r"\bif i ever (?:meet|see|find|catch)\b"),
    (
        "promise", 0.9,
        rf"{_I_DO} (?:promise|promised|swear|vow|swore|pledge|guarantee)\b", r"\bmy (?:word|promise)\b",
        r"\bon my (?:honou?r|life|oath)\b", r"\bcount on me\b", r"\bit's a deal\b",
    ),
    (
        "promise", 0.75,
        rf"{_WILL} (?:\w+ )?(?:bring|pay|return|come back|be back|help|find|fetch|give|tell|keep|"
        r"carry|deliver|send|show|teach|mend|repair|guard|protect|save|hold|look for|look after|"
        r"speak|write|meet|wait|avenge|repay|hide|free|lend)\b",
        r"\byou(?:'ll| will| shall| can) have (?:your|the|my)\b", r"\b(?:is|are|be) yours\b",
        rf"{_WILL} have (?:\w+ ){{1,5}}(?:ready|done|for you)\b", r"\bi said i'd\b", r"\bleave the\b",
    ),
    ("habit", 0.5, r"\bi(?:'ve| have)? (?:always|never|often|usually|seldom|still)\b",
     r"\bas a rule\b", r"\bevery (?:day|night|morning|evening|spring|summer|autumn|winter|year|week)\b"),
    (
        "past", 0.5,
        r"\b(?:years?|winters|summers) (?:ago|in|at|with)\b", r"\bwhen i was\b", r"\buntil i was\b",
        r"\b(?:used to|since i|as a (?:child|boy|girl)|all my life|long ago|ever since|once)\b",
        r"\ball i (?:ever|know|want|can|have)\b", r"\bi (?:spent|stood|lived|survived|served)\b",
        r"\bfor \w+ (?:years|winters|summers)\b",
    ),
    ("wish", 0.8, r"^(?:please )?(?:remember|don't forget|do not forget|never forget)\b"),
)  # fmt: skip

GERMAN = (
    ("name", 1.0, r"\bich hei(?:ß|ss)e\b", r"\bmein name ist\b", r"\bnenn(?:t|en sie)? mich\b"),
    ("origin", 0.8, r"\bich (?:komme|stamme|bin) aus\b", r"\bgeboren\b", r"\baufgewachsen\b"),
    ("work", 0.7, r"\bvon beruf\b", r"\bmein beruf\b", r"\bich arbeite\b"),
    ("family", 0.7,
     r"\bmeine? (?:bruder|schwester|mutter|vater|frau|mann|sohn|tochter|eltern|kinder)\b"),
    ("have", 0.6, r"\bich (?:habe|besitze|trage) (?:ein|eine|einen|zwei|drei|meinen?)\b"),
    ("like", 0.6, r"\bich (?:liebe|mag) (?!nicht|keine)", r"\bmein lieblings\w+", r"\bam liebsten\b"),
    ("dislike", 0.6, r"\bich (?:hasse|mag (?:nicht|keinen?)|verabscheue)\b"),
    ("fear", 0.8, r"\bhabe? (?:\w+ )?angst\b", r"\bich fürchte\b"),
    ("health", 0.8, r"\ballergisch\b", r"\bich vertrage\b"),
    ("plan", 0.6, r"\bich (?:suche|möchte|plane|hoffe)\b"),
    ("promise", 0.9, r"\bich (?:verspreche|schwöre|gelobe)\b", r"\b(?:mein |ehren)wort\b"),
    ("promise", 0.75,
     r"\bich werde (?:\w+ ){0,5}(?:bringen|zahlen|helfen|finden|geben|holen|schicken)\b"),
    ("secret", 0.9, r"\bgeheimnis\b", r"\bunter uns\b", r"\bniemand wei(?:ß|ss)\b"),
)  # fmt: skip

RULES = tuple(
    (str(kind), float(weight), re.compile("|".join(map(str, patterns))))
    for kind, weight, *patterns in (*ENGLISH, *GERMAN)
)
"""All of them, compiled: (kind, importance, pattern)."""

PASSING = re.compile(
    r"\b(?:today|tonight|right now|just now|a moment|a while|a minute|this (?:morning|evening|"
    r"afternoon)|last night|please|another|tomorrow)\b"
)
"""What belongs to the moment, and is not worth much later."""
SELF = re.compile(
    r"\b(?:i|my|me|mine|we|our|us|name's|ich|mein|meine|meinen|meiner|mir|mich|wir|unser|uns)\b"
)
ANYBODY = re.compile(rf"{SELF.pattern}|\b(?:you|your|yours|du|dein|deine|ihr|euch|dir)\b")
"""Somebody who takes part in the talk."""
UNSAID_SELF = re.compile(
    r"\b(?:by trade|scars?|limp|wound|rash|fever|you can trust|truth|secret|promise|deal|count on|"
    r"better than|anything but|yours|have (?:your|the|my)|leave the|geheimnis|ehrenwort|allergisch)\b|"
    r"^(?:please )?(?:remember|don't forget|do not forget|never)\b"
)
"""What speaks of the speaker without saying so."""

_ASKED = (
    ("name", r"\bwho (?:am i|i am)\b", r"\bmy name\b", r"\bcall(?:ed)? me\b", r"\baddress me\b",
     r"\bam i called\b", r"\bwie hei(?:ß|ss)e\b"),
    ("origin", r"\bwhere\b.*\b(?:i|my)\b.*\b(?:from|home)\b", r"\bwoher\b", r"\bwhere (?:was|did) i\b"),
    ("work", r"\bfor a living\b", r"\bwhat (?:do|did) i do\b", r"\bmy (?:work|trade|job|profession)\b",
     r"\bline of work\b"),
    ("age", r"\bhow old\b", r"\bmy (?:age|birthday)\b", r"\bwie alt\b"),
    ("family", r"\bmy (?:\w+ )?(?:family|folks|kin|relatives|people|parents)\b", r"\bmeine familie\b"),
    ("have", r"\b(?:do|did|have) i (?:have|own|carry|keep|got)\b", r"\bi (?:have|own|carry|possess)\b"),
    ("like", r"\b(?:do|did) i (?:like|love|enjoy|prefer)\b", r"\bi (?:like|love|enjoy)\b",
     r"\bmy (?:favou?rite|taste)", r"\bplease me\b"),
    ("dislike", r"\b(?:don't|can't|cannot) i (?:like|stand|bear)\b", r"\bi (?:hate|avoid|refuse)\b",
     r"\bshould you (?:not|never)\b"),
    ("fear", r"\b(?:scares?|frightens?|terrif\w+) me\b", r"\bam i (?:afraid|scared)\b", r"\bangst\b"),
    ("plan", r"\bwhy (?:am i here|did i come)\b", r"\blooking for\b", r"\bi (?:want|after|plan)\b",
     r"\bbrought me\b", r"\bam i (?:\w+ )?(?:searching|hunting|looking|headed)\b"),
    ("promise", r"\bpromis", r"\bverspr[eo]ch", r"\bsw(?:ore|orn)\b", r"\b(?:my|your) word\b",
     r"\bsaid (?:i|you)'d\b", r"\b(?:did|what) (?:i|you) (?:say|said)\b", r"\bpledge"),
    ("debt", r"\bowe\b", r"\bdebt\b", r"\bschulde\b"),
    ("secret", r"\bsecret", r"\bconfess", r"\badmit", r"\bnobody knows\b", r"\bgeheimnis\b"),
    ("health", r"\b(?:wrong with|happened to) m[ey]\b", r"\bhurt\b", r"\bwound", r"\bpain\b"),
    ("friend", r"\bmy (?:\w+ )?friends?\b", r"\bi (?:trust|rely)\b", r"\bdo i (?:trust|rely)\b"),
    ("skill", r"\bcan i do\b", r"\bdo i play\b", r"\bgood at\b"),
)  # fmt: skip
ASKED = tuple((kind, re.compile("|".join(patterns))) for kind, *patterns in _ASKED)
"""Which kinds of facts a line asks for: (kind, pattern)."""
