using System.Text;

namespace DialogueServer
{
    /// <summary>Keeps what a model writes from being read as markup of TextMeshPro.</summary>
    public static class RichText
    {
        private const string Bracket = "<noparse><</noparse>";

        /// <summary>The same text with no tag in it; the number of visible characters stays.</summary>
        public static string Escape(string text)
        {
            if (text.IndexOf('<') < 0) return text;
            var escaped = new StringBuilder(text.Length + Bracket.Length);
            foreach (char c in text)
            {
                if (c == '<') escaped.Append(Bracket);
                else escaped.Append(c);
            }
            return escaped.ToString();
        }
    }
}
