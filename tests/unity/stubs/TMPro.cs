// What the client uses of TextMeshPro.
namespace TMPro
{
    public class TMP_Text : UnityEngine.UI.Graphic
    {
        private string _text = "";

        /// <summary>How often the text was set, and so laid out anew.</summary>
        public int TextSet;

        public virtual string text
        {
            get => _text;
            set { UnityEngine.StubPlayer.AssertMainThread(); _text = value; TextSet++; }
        }

        public int maxVisibleCharacters { get; set; } = 99999;

        public bool richText { get; set; } = true;

        public bool parseCtrlCharacters { get; set; } = true;

        public float fontSize { get; set; }
    }

    public class TextMeshProUGUI : TMP_Text
    {
    }
}
