using System.Collections.Generic;
using NUnit.Framework;

namespace DialogueServer.Tests
{
    public static class TypewriterTests
    {
        [Test]
        public static void It_reveals_at_its_speed()
        {
            Typewriter writer = Plain("Hello there friend of mine, how are you today");
            writer.HurryAfter = 100;
            writer.Update(0.1f);
            Assert.That(writer.Visible, Is.EqualTo(1));
            for (int frame = 0; frame < 10; frame++) writer.Update(0.1f);
            Assert.That(writer.VisibleText, Is.EqualTo("Hello there"));
        }

        [Test]
        public static void It_waits_for_the_end_of_a_word()
        {
            var writer = new Typewriter { CharactersPerSecond = 1000 };
            writer.Append("Good mor");
            writer.Update(0.1f);
            Assert.That(writer.VisibleText, Is.EqualTo("Good "));
            writer.Append("ning");
            writer.End();
            writer.Update(1);
            Assert.That(writer.VisibleText, Is.EqualTo("Good morning"));
        }

        [Test]
        public static void Scripts_without_spaces_and_endless_words_do_not_wait()
        {
            var writer = new Typewriter { CharactersPerSecond = 1000 };
            writer.Append("\u4f60\u597d");
            writer.Update(1);
            Assert.That(writer.Visible, Is.EqualTo(2));
            writer.Clear();
            writer.Append(new string('a', 60));
            writer.Update(1);
            Assert.That(writer.Visible, Is.EqualTo(60));
        }

        [Test]
        public static void It_rests_after_a_sentence_but_not_inside_a_number()
        {
            Typewriter writer = Plain("No. Yes 3.14 ok");
            writer.SentencePause = 1;
            for (int frame = 0; frame < 4; frame++) writer.Update(0.1f);
            Assert.That(writer.VisibleText, Is.EqualTo("No."));
            for (int frame = 0; frame < 9; frame++) writer.Update(0.1f);
            Assert.That(writer.VisibleText, Is.EqualTo("No."));
            for (int frame = 0; frame < 13; frame++) writer.Update(0.1f);
            Assert.That(writer.Finished, writer.VisibleText);
        }

        [Test]
        public static void Cues_are_handed_out_where_they_stand_and_a_pause_holds_the_reveal()
        {
            var log = new List<string>();
            Typewriter writer = Plain("ab cd");
            writer.CueReached += cue => log.Add(cue.Kind + "@" + writer.Visible);
            writer.Clear();
            writer.Add(new DialogueCue(0, "mood", "cross"));
            writer.Append("ab ");
            writer.Add(new DialogueCue(3, "pause", "", new Dictionary<string, object> { ["ms"] = 500L }));
            writer.Append("cd");
            writer.Add(new DialogueCue(5, "action", "wave"));
            writer.End();
            for (int frame = 0; frame < 4; frame++) writer.Update(0.1f);
            Assert.That(log, Is.EqualTo(new[] { "mood@0", "pause@3" }));
            for (int frame = 0; frame < 4; frame++) writer.Update(0.1f);
            Assert.That(writer.Visible, Is.EqualTo(3));
            for (int frame = 0; frame < 8; frame++) writer.Update(0.1f);
            Assert.That(log, Is.EqualTo(new[] { "mood@0", "pause@3", "action@5" }));
            Assert.That(writer.Finished);
        }

        [Test]
        public static void Offsets_count_code_points_and_characters_stay_whole()
        {
            const string family = "\ud83d\udc68\u200d\ud83d\udc69\u200d\ud83d\udc67";
            var writer = new Typewriter { CharactersPerSecond = 10 };
            writer.Append(family + "e\u0301x");
            writer.End();
            writer.Update(0.1f);
            Assert.That(writer.VisibleText, Is.EqualTo(family));
            Assert.That(writer.Visible, Is.EqualTo(5));
            writer.Update(0.1f);
            Assert.That(writer.VisibleText, Is.EqualTo(family + "e\u0301"));
            Assert.That(writer.Total, Is.EqualTo(8));
        }

        [Test]
        public static void Skip_shows_everything_also_what_comes_later_and_hands_out_all_cues()
        {
            int cues = 0;
            int completed = 0;
            var writer = new Typewriter();
            writer.CueReached += cue => cues++;
            writer.Completed += () => completed++;
            writer.Append("One two. ");
            writer.Add(new DialogueCue(9, "pause", "", new Dictionary<string, object> { ["ms"] = 9000L }));
            writer.Skip();
            Assert.That(writer.VisibleText, Is.EqualTo("One two. "));
            writer.Append("three");
            writer.Update(0);
            Assert.That(writer.VisibleText, Is.EqualTo("One two. three"));
            writer.End();
            writer.Update(0);
            writer.Update(0);
            Assert.That(cues, Is.EqualTo(1));
            Assert.That(completed, Is.EqualTo(1));
        }

        [Test]
        public static void It_hurries_when_it_is_far_behind()
        {
            Typewriter slow = Plain(new string('a', 15));
            Typewriter behind = Plain(new string('a', 300));
            slow.Update(1);
            behind.Update(1);
            Assert.That(slow.Visible, Is.EqualTo(10));
            Assert.That(behind.Visible, Is.EqualTo(40));
        }

        [Test]
        public static void What_is_taken_back_is_not_shown_any_more()
        {
            var writer = new Typewriter { CharactersPerSecond = 1000 };
            writer.Append("\ud83d\ude00 Yes. No");
            writer.Update(1);
            writer.End(5);
            writer.Update(1);
            Assert.That(writer.VisibleText, Is.EqualTo("\ud83d\ude00 Yes"));
            Assert.That(writer.Visible, Is.EqualTo(5));
            Assert.That(writer.Finished);
        }

        [Test]
        public static void It_rests_after_punctuation_of_any_script_also_before_a_closing_quote()
        {
            foreach (string text in new[] { "\"No.\" yes", "(no!) yes", "\u597d\u3002\u597d\u5417", "\u300c\u597d\u3002\u300d\u597d\u5417", "no\u061f yes" })
            {
                Typewriter writer = Plain(text);
                writer.SentencePause = 5;
                writer.HurryAfter = 100;
                for (int frame = 0; frame < 12; frame++) writer.Update(0.1f);
                Assert.That(writer.Visible, Is.InRange(2, text.Length - 2), text);
                int rested = writer.Visible;
                writer.Update(3);
                Assert.That(writer.Visible, Is.EqualTo(rested), text);
            }
        }

        [Test]
        public static void Marks_that_follow_each_other_are_one_rest()
        {
            Typewriter writer = Plain("\u597d\uff1f\uff01\u597d\u5417");
            writer.SentencePause = 5;
            writer.HurryAfter = 100;
            for (int frame = 0; frame < 12; frame++) writer.Update(0.1f);
            Assert.That(writer.Visible, Is.EqualTo(3));
        }

        [Test]
        public static void A_word_of_which_no_more_comes_is_shown_after_a_while()
        {
            var writer = new Typewriter { CharactersPerSecond = 1000 };
            writer.Append("Good mor");
            writer.Update(0.5f);
            Assert.That(writer.VisibleText, Is.EqualTo("Good "));
            writer.Update(0.5f);
            Assert.That(writer.VisibleText, Is.EqualTo("Good mor"));
        }

        [Test]
        public static void A_flag_is_one_character_and_two_are_two()
        {
            const string flag = "\ud83c\udde9\ud83c\uddea";
            Typewriter writer = Plain(flag + flag);
            writer.Update(0.1f);
            Assert.That(writer.VisibleText, Is.EqualTo(flag));
        }

        [Test]
        public static void Each_letter_that_is_revealed_is_told_but_no_white_space_and_nothing_that_is_skipped()
        {
            var letters = new List<string>();
            Typewriter writer = Plain("a e\u0301 skipped");
            writer.LetterRevealed += letters.Add;
            for (int frame = 0; frame < 4; frame++) writer.Update(0.1f);
            writer.Skip();
            Assert.That(letters, Is.EqualTo(new[] { "a", "e\u0301" }));
            Assert.That(writer.Finished);
        }

        [Test]
        public static void An_interrupt_ends_the_text_where_the_player_is()
        {
            Typewriter writer = new Typewriter { CharactersPerSecond = 10 };
            writer.Append("aaaa bbbb cccc ");
            for (int frame = 0; frame < 5; frame++) writer.Update(0.1f);
            writer.End(writer.Visible);
            writer.Update(0.1f);
            Assert.That(writer.Finished);
            Assert.That(writer.VisibleText, Is.EqualTo("aaaa "));
        }

        [Test]
        public static void What_stood_behind_an_interrupt_does_not_happen_and_holds_nothing_up()
        {
            Typewriter writer = new Typewriter { CharactersPerSecond = 10 };
            var reached = new List<string>();
            writer.CueReached += cue => reached.Add(cue.Name);
            writer.Add(new DialogueCue(0, DialogueCue.Mood, "calm"));
            writer.Append("aaaa bbbb cccc ");
            writer.Add(new DialogueCue(15, DialogueCue.Action, "give"));
            for (int frame = 0; frame < 5; frame++) writer.Update(0.1f);
            writer.End(writer.Visible);
            writer.Update(0.1f);
            Assert.That(writer.Finished);
            Assert.That(reached, Is.EqualTo(new[] { "calm" }));
        }

        [Test]
        public static void Markup_of_a_model_stays_text()
        {
            Assert.That(RichText.Escape("a < b"), Is.EqualTo("a <noparse><</noparse> b"));
            string escaped = RichText.Escape("</noparse><size=900>");
            Assert.That(escaped.Replace("<noparse><</noparse>", "<"), Is.EqualTo("</noparse><size=900>"));
            Assert.That(escaped.Replace("<noparse><</noparse>", ""), Does.Not.Contain("<"));
        }

        private static Typewriter Plain(string text)
        {
            var writer = new Typewriter { CharactersPerSecond = 10 };
            writer.Append(text);
            writer.End();
            return writer;
        }
    }
}
