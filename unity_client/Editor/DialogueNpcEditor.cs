using UnityEditor;
using UnityEngine;

namespace DialogueServer.Editor
{
    /// <summary>The NPC's inspector: what is missing, and how the talk goes while the game plays.</summary>
    [CustomEditor(typeof(DialogueNpc))]
    internal sealed class DialogueNpcEditor : UnityEditor.Editor
    {
        private string _line = "Hello.";

        public override void OnInspectorGUI()
        {
            var npc = (DialogueNpc)target;
            if (npc.Problem().Length > 0) EditorGUILayout.HelpBox(npc.Problem(), MessageType.Error);
            DrawDefaultInspector();
            if (!EditorApplication.isPlaying) return;
            EditorGUILayout.Space();
            EditorGUILayout.HelpBox(Describe(npc), MessageType.Info);
            _line = EditorGUILayout.TextField("Line", _line);
            if (GUILayout.Button("Say") && _line.Trim().Length > 0 && npc.isActiveAndEnabled) npc.Say(_line);
            if (npc.IsSpeaking && GUILayout.Button("Interrupt")) npc.Interrupt();
        }

        public override bool RequiresConstantRepaint() => EditorApplication.isPlaying;

        private static string Describe(DialogueNpc npc)
        {
            if (!npc.IsOpen) return "The conversation is not open yet.";
            string text = npc.DisplayName + (npc.Mood.Length > 0 ? ", " + npc.Mood : "");
            DialogueTurn turn = npc.CurrentTurn;
            if (turn == null) return text;
            text += "\n\n" + turn.Text;
            return turn.Ended
                ? text + "\n\n" + turn.Reason + ", first token after " + turn.FirstTokenMs + " ms, all after " + turn.TotalMs + " ms"
                : text + " ...";
        }
    }
}
