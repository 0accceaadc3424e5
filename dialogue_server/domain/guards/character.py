"""What no character of a game world says: talk of models and prompts, an assistant's manners,
code.

Of the languages that models most often fall back to, the phrases that name the thing; a world
with thinking machines allows its own words by `guards.allowed`. Nearly every sentence of a game
is passed by its words alone (`_TELLTALE`); only one that holds a telltale word is searched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_KIND = (
    r"(?:an? )?(?:(?:just|only|merely) (?:an? )?)?(?:ai|a\.i\.?|artificial intelligence|"
    r"(?:large |ai )?language model|llm|ai assistant|chat ?bot|virtual assistant|"
    r"digital assistant|computer program|text[- ]based ai)"
)
_MAKER = r"(?:openai|anthropic|google|meta|minimax|microsoft|alibaba|deepseek|mistral)"
_SAID = re.compile(
    "|".join(
        (
            rf"\bas {_KIND}\b",
            rf"\bi(?:'m| am|'m not| am not) (?:just |only |merely |actually |really |simply )*"
            rf"{_KIND}\b",
            r"\bi(?: was|'m| am|'ve been) (?:created|made|trained|developed|built) (?:by|as) "
            rf"(?:{_KIND}|{_MAKER})\b",
            r"\b(?:large )?language models?\b|\bartificial intelligence\b",
            r"\bchatgpt\b|\bopenai\b|\banthropic\b|\bgpt-?\d|\bllms?\b",
            r"\bsystem (?:prompt|message|instructions?)\b|\bprompt injection\b",
            r"\bmy (?:initial |original |hidden )?prompt\b",
            r"\b(?:initial|original|hidden|secret|developer) instructions\b",
            r"\bmy instructions (?:(?:are|say|read|state|were)(?: as follows)?:|begin with)",
            r"\btraining data\b|\bknowledge cut-?off\b|\bmy programming\b|\bcontext window\b",
            r"\bi(?:'m| am) (?:programmed|trained) (?:to|on)\b",
            r"\b(?:content|usage|safety) (?:policy|policies|guidelines?)\b",
            r"\b(?:break|breaking|step out of|stay in|out of|in) character\b",
            r"\brole-?play(?:ing|s)?\b|\bfictional character\b|\bjailbreak\w*",
            r"\b(?:developer|dan|debug|god|admin(?:istrator)?) mode (?:is |has been )?"
            r"(?:on|enabled|activated|unlocked)\b|\bdo anything now\b",
            r"\bi (?:can't|cannot|can not|won't|am (?:not able|unable) to) (?:assist|comply|"
            r"fulfil|fulfill|continue|help you) with (?:that|this|your) "
            r"(?:request|prompt|question|conversation|role)",
            r"\bi(?:'m| am) (?:not able|unable) to (?:assist|comply|help) ",
            r"\bi(?:'m| am) here to assist\b|\bhow (?:can|may) i assist you\b",
            r"\bnon-player character\b|\bthis (?:video )?game's (?:developers?|engine)\b",
            # German, French, Spanish and Portuguese, Italian, Dutch, Polish, Turkish
            r"\bals (?:eine )?ki\b|\bki-?(?:modell|assistent\w*|system)\b|\bsprachmodell\w*",
            r"\b(?:ich bin|bin ich) (?:nur |bloss )?(?:eine? )?ki\b|\w+liche[nr]? intelligenz\b",
            r"\ben tant qu'(?:ia|assistant)\b|\bje suis (?:juste )?une? (?:ia|assistant virtuel)",
            r"\bmod.le de langage\b|\bintelligence artificielle\b",
            r"\bcomo (?:una? |uma? )?(?:ia|asistente virtual|assistente virtual)\b",
            r"\bs(?:oy|ou) (?:solo |apenas )?(?:una?|uma?) (?:ia|asistente virt|assistente virt)",
            r"\bmodelos? de (?:lenguaje|linguagem)\b|\binteligencia artificial\b",
            r"\bsono (?:solo )?un'? ?ia\b|\bmodello linguistico\b|\bintelligenza artificiale\b",
            r"\btaalmodel\b|\bkunstmatige intelligentie\b|\bsztuczn\w+ inteligencj\w+",
            r"\bmodel(?:em|u)? j.zykowy\w*|\bdil modeli\w*|\byapay zek\w+",
        )
    )
)
_TELLTALE_WORDS = """
ai intelligence model models llm llms chatbot bot assistant program chatgpt openai anthropic
google meta minimax microsoft alibaba deepseek mistral system prompt instructions training
knowledge programming context programmed trained policy policies guideline guidelines character
role roleplay roleplaying roleplays fictional mode anything request question conversation assist
comply non game ki intelligenz ia langage artificielle asistente assistente modelo modelos
inteligencia linguistico intelligenza taalmodel kunstmatige dil yapay modelem modelu gpt help
"""
_TELLTALE = frozenset(_TELLTALE_WORDS.split())
_STEMS = ("a.i", "jailbreak", "gpt", "sprachmodell", "sztuczn")
_ELSEWHERE = (
    *("inteligência artificial", "языковая модель", "языковую модель", "языковой модел"),
    *("искусственный интеллект", "искусственного интеллекта", "как ии", "мовна модель"),
    *("мовну модель", "штучний інтелект", "штучного інтелекту", "نموذج لغوي", "ذكاء اصطناعي"),
    *("الذكاء الاصطناعي", "भाषा मॉडल", "कृत्रिम बुद्धि", "语言模型", "語言模型", "人工智能"),
    *(
        "人工智慧",
        "作为ai",
        "作为一个ai",
        "言語モデル",
        "人工知能",
        "aiアシスタント",
        "언어 모델",
        "인공지능",
    ),
)
_WORDS = re.compile(r"\w+")

_FORMS = re.compile(
    "|".join(
        (
            r"```",
            r"</?(?:system|assistant|user|developer|think|instructions?|prompt|tool_call)\b[^<>]*>",
            r"(?:^|\n)[\s*_#>(\[]*(?:system|assistant|user|developer|instructions?|response)"
            r"[*_)\]]*\s*:",
            r"(?:^|\n)\s*#{2,}\s",
            r'\{\s*"\w+"\s*:',
            r"(?:[(\[{（［<]|^|\n)\s*(?:action|mood|pause)\s*[:：]",  # a tag that is none
            # the game's own lines in a prompt
            r"\[(?:what \w+ (?:knows|thinks)|answer in|this happens|your last answer|\w+ remembers|"
            r"\w+ says\])|(?:^|\n)\s*fact\s*:",
            r"\b(?=[a-z+/]*\d)[a-z\d+/]{32,}",  # base64
            r"(?:\b[0-9a-f]{2}[\s:]+){12,}|\b[0-9a-f]{32,}\b",
            r"(?:\b[01]{7,8}\s+){3,}",
            r"(?:[.\-·–]{1,5}[\s/]+){10,}",  # Morse
            r"\\u[0-9a-f]{4}\\u[0-9a-f]{4}|(?:&#x?[0-9a-f]+;){3,}|(?:%[0-9a-f]{2}){4,}",
        )
    ),
    re.I,
)
_MAY_BE_CODE = re.compile(r"[`<{#\\&%:：\[\d·–]|[.\-] [.\-]")


def out_of_character(folded: str, words: Iterable[str] | None = None) -> bool:
    """Whether a text (guards_text.fold) talks of models, prompts, or as an assistant does. `words`
    are those of the text (guards_text.words_of), if they are known."""
    words = _WORDS.findall(folded) if words is None else words
    telltale = not _TELLTALE.isdisjoint(words) or any(s in folded for s in _STEMS)
    if telltale and _SAID.search(folded) is not None:
        return True
    return not folded.isascii() and any(phrase in folded for phrase in _ELSEWHERE)


def is_code(text: str) -> bool:
    """Whether a text, not folded, holds code, markup, or something encoded."""
    return _MAY_BE_CODE.search(text) is not None and _FORMS.search(text) is not None
