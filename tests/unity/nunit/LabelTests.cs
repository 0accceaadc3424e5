using System;
using System.Collections.Generic;
using System.Linq;
using DialogueServer.Protocol;
using NUnit.Framework;
using TMPro;
using UnityEngine;
using static DialogueServer.Tests.Scene;

namespace DialogueServer.Tests
{
    /// <summary>What a label shows, and which cues happen, when things come in an awkward order.
    /// What the server would send is given to the conversation directly.</summary>
    public sealed class LabelTests
    {
        private DialogueNpc _npc;
        private DialogueConversation _talk;
        private readonly List<string> _told = new List<string>();

        [SetUp]
        public void EnterPlayMode()
        {
            StubPlayer.Start(Components);
            _npc = Npc(Client("ws://127.0.0.1:1", connect: false), "mira");
            _talk = _npc.Conversation;
            _talk.Open(new Player("p1"), message => { });
            _told.Clear();
        }

        [TearDown]
        public void LeavePlayMode() => Leave();

        [Test]
        public void What_a_guard_takes_back_is_not_shown_any_more()
        {
            DialogueText text = Text(_npc, out TMP_Text label);
            DialogueTurn turn = Begin();
            _talk.OnDelta(turn, "It is nice here. The code is");
            Play(1);
            Assert.That(text.VisibleText, Does.StartWith("It is nice here. The "));
            _talk.OnTurnEnd(turn, new TurnEndMessage(1, EndReason.Filtered, 17));
            Play(0.1f);
            Assert.That(text.VisibleText, Is.EqualTo("It is nice here. "));
            Assert.That(label.text, Is.EqualTo("It is nice here. "));
            Assert.That(text.Visible, Is.EqualTo(17));
            Assert.That(text.IsFinished);
        }

        [Test]
        public void What_a_guard_takes_back_is_never_shown_where_the_reveal_is_behind()
        {
            DialogueText text = Text(_npc, out TMP_Text label);
            text.CharactersPerSecond = 10;
            DialogueTurn turn = Begin();
            _talk.OnDelta(turn, "It is nice here. The code is");
            Play(0.5f);
            _talk.OnTurnEnd(turn, new TurnEndMessage(1, EndReason.Filtered, 17));
            Play(3);
            Assert.That(text.VisibleText, Is.EqualTo("It is nice here. "));
            Assert.That(text.IsFinished);
        }

        [Test]
        public void A_label_that_was_hidden_in_mid_turn_goes_on_without_a_hole()
        {
            DialogueText text = Text(_npc, out TMP_Text label);
            DialogueTurn turn = Begin();
            _talk.OnDelta(turn, "One two ");
            Play(1);
            text.enabled = false;
            _talk.OnDelta(turn, "three ");
            Play(0.1f);
            text.enabled = true;
            _talk.OnDelta(turn, "four.");
            _talk.OnTurnEnd(turn, new TurnEndMessage(1, EndReason.Complete, 19));
            Play(1);
            Assert.That(text.VisibleText, Is.EqualTo("One two three four."));
            Assert.That(text.IsFinished);
        }

        [Test]
        public void A_label_that_was_hidden_when_the_turn_ended_finishes_it()
        {
            DialogueText text = Text(_npc, out TMP_Text label);
            DialogueTurn turn = Begin();
            _talk.OnDelta(turn, "One two ");
            Play(1);
            text.enabled = false;
            _talk.OnDelta(turn, "three.");
            _talk.OnTurnEnd(turn, new TurnEndMessage(1, EndReason.Complete, 14));
            text.enabled = true;
            Play(1);
            Assert.That(text.VisibleText, Is.EqualTo("One two three."));
            Assert.That(text.IsFinished);
        }

        [Test]
        public void A_label_that_appears_in_mid_turn_shows_it_from_its_start()
        {
            DialogueTurn turn = Begin();
            _talk.OnDelta(turn, "One two ");
            DialogueText text = Text(_npc, out TMP_Text label);
            _talk.OnDelta(turn, "three.");
            _talk.OnTurnEnd(turn, new TurnEndMessage(1, EndReason.Complete, 14));
            Play(1);
            Assert.That(text.VisibleText, Is.EqualTo("One two three."));
        }

        [Test]
        public void A_label_that_appears_later_shows_the_greeting_once()
        {
            Open("Well met.");
            Open(""); // somebody joins
            DialogueText text = Text(_npc, out TMP_Text label);
            Play(1);
            Assert.That(text.VisibleText, Is.EqualTo("Well met."));
            DialogueTurn turn = Begin();
            _talk.OnDelta(turn, "Yes.");
            _talk.OnTurnEnd(turn, new TurnEndMessage(1, EndReason.Complete, 4));
            Play(1);
            text.enabled = false;
            text.enabled = true;
            Play(1);
            Assert.That(text.VisibleText, Is.EqualTo("Yes."));
        }

        [Test]
        public void A_label_that_was_hidden_while_an_earlier_moment_was_loaded_comes_back_empty()
        {
            DialogueText text = Text(_npc, out TMP_Text label);
            DialogueTurn turn = Begin();
            Open("");
            _talk.OnDelta(turn, "What never was.");
            _talk.OnTurnEnd(turn, new TurnEndMessage(1, EndReason.Complete, 15));
            Play(1);
            text.enabled = false;
            _talk.LoadAsync(new DialogueSave { conversation = "mira", checkpoint = "p1" });
            Open("");
            text.enabled = true;
            Play(1);
            Assert.That(text.VisibleText, Is.Empty);
        }

        [Test]
        public void The_greeting_of_an_NPC_that_has_spoken_since_is_over()
        {
            Open("Well met.");
            DialogueTurn turn = Begin();
            _talk.OnTurnEnd(turn, new TurnEndMessage(1, EndReason.Complete, 0));
            DialogueText text = Text(_npc, out TMP_Text label);
            Play(1);
            Assert.That(text.VisibleText, Is.Empty);
        }

        [Test]
        public void What_waits_in_a_label_that_is_hidden_happens_all_the_same_and_once()
        {
            DialogueText text = Text(_npc, out TMP_Text label);
            text.CharactersPerSecond = 10;
            NoteCues(_npc);
            DialogueTurn turn = Begin();
            _talk.OnDelta(turn, "One two ");
            _talk.OnCue(turn, new CueMessage(1, 8, DialogueCue.Action, "give"));
            Play(0.2f);
            Assert.That(_told, Is.Empty);
            text.enabled = false;
            _talk.OnCue(turn, new CueMessage(1, 8, DialogueCue.Action, "wave"));
            Play(0.1f);
            Assert.That(_told, Is.EqualTo(new[] { "mira give", "mira wave" }));
            text.enabled = true;
            _talk.OnTurnEnd(turn, new TurnEndMessage(1, EndReason.Complete, 8));
            Play(2);
            Assert.That(text.IsFinished);
            Assert.That(_told.Count, Is.EqualTo(2));
        }

        [Test]
        public void A_label_that_goes_over_to_another_NPC_leaves_what_waits_in_it_to_the_first()
        {
            DialogueText text = Text(_npc, out TMP_Text label);
            DialogueNpc other = Npc(DialogueClient.Default, "other");
            NoteCues(_npc);
            NoteCues(other);
            DialogueTurn turn = Begin();
            _talk.OnDelta(turn, "One two ");
            _talk.OnCue(turn, new CueMessage(1, 8, DialogueCue.Mood, "cross"));
            text.Npc = other;
            Play(1);
            Assert.That(_told, Is.EqualTo(new[] { "mira cross" }));
            Assert.That(other.Mood, Is.Empty);
        }

        [Test]
        public void An_action_that_two_labels_come_to_happens_once()
        {
            DialogueText first = Text(_npc, out TMP_Text label);
            DialogueText second = Text(_npc, out label);
            NoteCues(_npc);
            DialogueTurn turn = Begin();
            _talk.OnDelta(turn, "One two ");
            _talk.OnCue(turn, new CueMessage(1, 8, DialogueCue.Action, "give"));
            _talk.OnTurnEnd(turn, new TurnEndMessage(1, EndReason.Complete, 8));
            Play(1);
            Assert.That(first.IsFinished && second.IsFinished);
            Assert.That(_told, Is.EqualTo(new[] { "mira give" }));
        }

        [Test]
        public void A_game_that_was_in_the_background_for_a_minute_does_not_miss_the_reveal()
        {
            DialogueText text = Text(_npc, out TMP_Text label);
            text.CharactersPerSecond = 40;
            DialogueTurn turn = Begin();
            _talk.OnDelta(turn, new string('a', 100) + " ");
            Play(0.1f);
            StubPlayer.Frame(60);
            Assert.That(text.Visible, Is.LessThan(60));
        }

        [Test]
        public void A_label_that_reads_no_markup_shows_the_model_s_as_it_is()
        {
            DialogueText text = Text(_npc, out TMP_Text label);
            label.richText = false;
            DialogueTurn turn = Begin();
            _talk.OnDelta(turn, "a <b> ");
            Play(1);
            Assert.That(label.text, Is.EqualTo("a <b> "));
        }

        [Test]
        public void A_turn_that_comes_again_after_a_loss_is_told_from_where_it_was()
        {
            DialogueText text = Text(_npc, out TMP_Text label);
            NoteCues(_npc);
            var pieces = new List<string>();
            _npc.TextAdded += (each, piece) => pieces.Add(piece);
            DialogueTurn turn = Begin();
            _talk.OnCue(turn, new CueMessage(1, 0, DialogueCue.Mood, "calm"));
            _talk.OnDelta(turn, "It began ");
            Play(1);
            _talk.Lost();
            Assert.That(Begin(), Is.SameAs(turn));
            _talk.OnCue(turn, new CueMessage(1, 0, DialogueCue.Mood, "calm"));
            foreach (string piece in new[] { "It ", "began in ", "winter." })
            {
                _talk.OnDelta(turn, piece);
                Assert.That(turn.Text, Does.StartWith("It began "));
                Play(0.1f);
                Assert.That(text.VisibleText, Does.StartWith("It began "));
            }
            _talk.OnTurnEnd(turn, new TurnEndMessage(1, EndReason.Complete, 19));
            Play(1);
            Assert.That(pieces, Is.EqualTo(new[] { "It began ", "in ", "winter." }));
            Assert.That(text.VisibleText, Is.EqualTo("It began in winter."));
            Assert.That(turn.Text, Is.EqualTo("It began in winter."));
            Assert.That(_told, Is.EqualTo(new[] { "mira calm" }));
        }

        [Test]
        public void A_turn_that_comes_again_in_other_words_is_told_anew_with_its_own_cues()
        {
            DialogueText text = Text(_npc, out TMP_Text label);
            text.CharactersPerSecond = 20;
            NoteCues(_npc);
            var pieces = new List<string>();
            _npc.TextAdded += (each, piece) => pieces.Add(piece);
            _npc.TurnRestarted += each => pieces.Clear();
            DialogueTurn turn = Begin();
            _talk.OnDelta(turn, "It began in winter. ");
            _talk.OnCue(turn, new CueMessage(1, 12, DialogueCue.Action, "give"));
            Play(0.3f);
            _talk.Lost();
            Begin();
            _talk.OnDelta(turn, "It never ");
            _talk.OnCue(turn, new CueMessage(1, 9, DialogueCue.Action, "take"));
            _talk.OnDelta(turn, "began.");
            _talk.OnTurnEnd(turn, new TurnEndMessage(1, EndReason.Complete, 15));
            Play(0.2f);
            Assert.That(text.Visible, Is.InRange(1, 8), "it is revealed from its start");
            Play(2);
            Assert.That(string.Concat(pieces), Is.EqualTo("It never began."));
            Assert.That(text.VisibleText, Is.EqualTo("It never began."));
            Assert.That(_told, Is.EqualTo(new[] { "mira take" }));
        }

        [Test]
        public void A_cue_that_both_tellings_of_a_turn_have_happens_once_although_the_words_change()
        {
            DialogueText text = Text(_npc, out TMP_Text label);
            text.CharactersPerSecond = 20;
            NoteCues(_npc);
            DialogueTurn turn = Begin();
            _talk.OnDelta(turn, "It is over. ");
            _talk.OnCue(turn, new CueMessage(1, 12, DialogueCue.Action, "give"));
            Play(0.2f);
            _talk.Lost();
            Begin();
            _talk.OnDelta(turn, "It is ");
            _talk.OnCue(turn, new CueMessage(1, 12, DialogueCue.Action, "give"));
            _talk.OnDelta(turn, "later. ");
            _talk.OnTurnEnd(turn, new TurnEndMessage(1, EndReason.Complete, 13));
            Play(2);
            Assert.That(text.VisibleText, Is.EqualTo("It is later. "));
            Assert.That(_told, Is.EqualTo(new[] { "mira give" }));
        }

        /// <summary>A turn begins, or after a loss the same one again.</summary>
        private DialogueTurn Begin()
        {
            DialogueTurn turn = _talk.Current;
            if (turn == null || turn.Ended) turn = _talk.Say("Hello");
            return _talk.OnTurn(new TurnMessage(1, "t-1", "mira", "mira", turn.Line));
        }

        private void Open(string greeting) =>
            _talk.OnOpened(new OpenedMessage("mira", Array.Empty<NpcInfo>(), greeting));

        private void NoteCues(DialogueNpc npc) => npc.CueReached += cue => _told.Add(npc.NpcId + " " + cue.Name);

        private static void Play(float seconds)
        {
            for (float played = 0; played < seconds; played += 0.05f) StubPlayer.Frame(0.05f);
        }
    }
}
