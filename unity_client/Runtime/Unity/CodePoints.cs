using System.Globalization;
using System.Text;

namespace DialogueServer
{
    /// <summary>
    /// The wire counts code points; C# counts UTF-16 units, of which an emoji takes two.
    /// </summary>
    public static class CodePoints
    {
        public static int Count(string text)
        {
            int count = text.Length;
            for (int index = 1; index < text.Length; index++)
                if (char.IsSurrogatePair(text[index - 1], text[index])) count--;
            return count;
        }

        /// <summary>The first so many code points of a text.</summary>
        public static string Take(string text, int count)
        {
            int units = 0;
            while (count-- > 0 && units < text.Length) units += UnitsAt(text, units);
            return text.Substring(0, units);
        }

        internal static int UnitsAt(string text, int index) =>
            index + 1 < text.Length && char.IsSurrogatePair(text[index], text[index + 1]) ? 2 : 1;

        internal static int UnitsAt(StringBuilder text, int index) =>
            index + 1 < text.Length && char.IsSurrogatePair(text[index], text[index + 1]) ? 2 : 1;

        internal static int At(StringBuilder text, int index) =>
            UnitsAt(text, index) == 2 ? char.ConvertToUtf32(text[index], text[index + 1]) : text[index];

        internal static bool IsHalfAFlag(int code) => code >= 0x1f1e6 && code <= 0x1f1ff;

        /// <summary>
        /// Whether a code point belongs to the character before it: accents, joiners, variation
        /// selectors, skin tones, flags. Near enough to grapheme clusters for a reveal.
        /// </summary>
        /// <param name="flags">How many halves of flags it has had without a break.</param>
        internal static bool Continues(int previous, int next, int flags)
        {
            const int joiner = 0x200d;
            if (next < 0x300) return false;
            if (previous == joiner || next == joiner) return true;
            if (next >= 0x1f3fb && next <= 0x1f3ff) return true;
            if (next >= 0xe0020 && next <= 0xe007f) return true;
            if (next > 0xffff) return flags % 2 == 1 && IsHalfAFlag(next);
            UnicodeCategory category = CharUnicodeInfo.GetUnicodeCategory((char)next);
            return category == UnicodeCategory.NonSpacingMark
                || category == UnicodeCategory.SpacingCombiningMark
                || category == UnicodeCategory.EnclosingMark;
        }
    }
}
