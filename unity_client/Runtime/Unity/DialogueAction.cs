using System;
using System.Collections.Generic;
using System.Globalization;
using DialogueServer.Protocol;

namespace DialogueServer
{
    /// <summary>
    /// Something that an NPC does, for the game to carry out: it gives an item, it opens a door.
    /// Where the persona says that the action waits, the game answers with <see cref="Accept"/> or
    /// <see cref="Refuse"/>, and the NPC learns what really happened.
    /// </summary>
    public sealed class DialogueAction
    {
        private readonly DialogueConversation _conversation;
        private readonly DialogueCue _cue;
        private bool _answered;

        internal DialogueAction(DialogueConversation conversation, DialogueTurn turn, DialogueCue cue)
        {
            _conversation = conversation;
            Turn = turn;
            _cue = cue;
        }

        /// <summary>The action's name in the NPC's persona.</summary>
        public string Name => _cue.Name;

        /// <summary>null, bool, long, double, string, List or Dictionary of these.</summary>
        public IReadOnlyDictionary<string, object> Arguments => _cue.Arguments;

        /// <summary>Where it was done; the speaker is <see cref="DialogueTurn.Npc"/>.</summary>
        public DialogueTurn Turn { get; }

        /// <summary>The NPC waits to hear what came of it. Without an answer it stays open.</summary>
        public bool Waits => _cue.ActionNumber > 0 && !_answered;

        /// <summary>An argument as text; <paramref name="otherwise"/> if it is missing.</summary>
        public string Text(string argument, string otherwise = "") =>
            Arguments.TryGetValue(argument, out object value) && value != null
                ? Convert.ToString(value, CultureInfo.InvariantCulture)
                : otherwise;

        /// <summary>
        /// The game did it. Does nothing and returns null where nobody waits for an answer, so it
        /// may be called for every action.
        /// </summary>
        /// <param name="happened">What really happened, in a sentence, if it is worth telling.</param>
        /// <returns>What the NPC says to it: await <see cref="DialogueTurn.Completion"/>.</returns>
        public DialogueTurn Accept(
            string happened = "", Reaction react = Reaction.May, Dictionary<string, object> data = null) =>
            Answer(true, happened, react, data);

        /// <summary>The game did not do it; see <see cref="Accept"/>.</summary>
        /// <param name="why">Why not, in a sentence: the NPC hears it.</param>
        public DialogueTurn Refuse(
            string why = "", Reaction react = Reaction.May, Dictionary<string, object> data = null) =>
            Answer(false, why, react, data);

        private DialogueTurn Answer(bool accepted, string text, Reaction react, Dictionary<string, object> data)
        {
            if (!Waits) return null;
            string line = _conversation.NewLine();
            var result = new ActionResultMessage(
                _conversation.Name, line, Turn.Id, _cue.ActionNumber, accepted, text, react.OnWire(),
                GameState.CopyOrNull(data));
            _answered = true;
            return _conversation.Ask(new DialogueTurn(line, "", Turn.Npc), result);
        }
    }
}
